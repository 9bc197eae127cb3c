"""A run: producers and consumers on bad days, then a drain on a good one, and the accounts."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import warnings
from pathlib import Path
from typing import Any, Counter, Dict, List, Mapping, Optional, Sequence, Set

import attrs
from typing_extensions import Final

from queen import Message, Queen
from queen.waiting import wait_at_most
from tests.faults.broker_process import BrokerProcess
from tests.faults.plans import MAKERS, Clear, Weather
from tests.faults.proxy import FaultProxy
from tests.faults.soak.accounts import PIPELINE, Accounts
from tests.faults.soak.consumers import GROUPS, SECOND, Consumers
from tests.faults.soak.producers import Producers
from tests.faults.soak.verdict import Found, complaints, look_at

# As short as a broker allows.
LEASE_SECONDS: Final = 1
# How many of all requests meet a fault.
_FAULTY: Final = 0.08


@attrs.frozen(kw_only=True)
class Plan:
    """What is done in a run.

    Attributes:
        seconds: for how long there are faults.
        seed: of all that is drawn.
        dialect: what the broker speaks.
        engine: the client's; None for the one that it prefers.
        pause: the mean time between two pushes of one producer, in seconds.
        kill_every: the mean time between two kills of the broker, in seconds.
        longest: for how long a consumer runs at most before it is stopped, in seconds.
    """

    seconds: float
    seed: int
    dialect: str = "embedded"
    engine: Optional[str] = None
    pause: float = 0.3
    kill_every: float = 8.0
    longest: float = 4.0


@attrs.frozen(kw_only=True)
class Report:
    """What came of a run.

    Attributes:
        complaints: all that is wrong; a good run has none.
    """

    plan: Plan
    accounts: Accounts
    found: Mapping[str, Found]
    dead: Mapping[str, Set[str]]
    requests: int
    injected: Counter[str]
    kills: int
    stops: Counter[str]
    complaints: Sequence[str]


async def run(plan: Plan, directory: Path) -> Report:
    """Do it.

    Args:
        plan: what is done.
        directory: where the broker has its file.
    """
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        met: List[str] = []
        loop = asyncio.get_running_loop()
        handler = loop.get_exception_handler()
        loop.set_exception_handler(lambda _, context: met.append(str(context)))
        try:
            report = await _Run(plan, directory).run()
            # What is left behind warns when it is collected.
            await asyncio.sleep(0)
            gc.collect()
            await asyncio.sleep(0)
        finally:
            loop.set_exception_handler(handler)
    left = [repr(task) for task in asyncio.all_tasks() - tasks]
    found = [*report.complaints, *met, *[str(warning.message) for warning in warned]]
    found += [f"a task is left: {task}" for task in left]
    if open_sockets() > sockets:
        found.append(f"{open_sockets() - sockets} sockets are left open")
    return attrs.evolve(report, complaints=found)


def open_sockets() -> int:
    """How many sockets this process has open, where that can be told."""
    directory = Path("/proc/self/fd")
    if not directory.is_dir():
        return 0
    count = 0
    for entry in directory.iterdir():
        try:
            count += str(entry.readlink() if hasattr(entry, "readlink") else os.readlink(entry)).startswith("socket:")
        except FileNotFoundError:
            # That of the listing itself.
            continue
    return count


class _Run:
    def __init__(self, plan: Plan, directory: Path) -> None:
        self._plan = plan
        self._broker = BrokerProcess(directory / "queen.db", plan.dialect)
        self._accounts = Accounts(LEASE_SECONDS)
        self._draw = random.Random(plan.seed)
        self._kills = 0

    async def run(self) -> Report:
        accounts, plan = self._accounts, self._plan
        async with self._broker, FaultProxy(self._broker.port) as proxy:
            proxy.see = accounts.traffic.see
            await self._configure(proxy, LEASE_SECONDS)
            rates = dict.fromkeys(MAKERS, _FAULTY / len(MAKERS))
            proxy.plan = Weather(plan.seed, rates)
            consumers = await self._bad_days(proxy)
            proxy.plan = Clear()
            leaked = not await proxy.all_closed()
            dead = await self._drain(proxy)
            leaked = leaked or not await proxy.all_closed()
            requests, injected = proxy.requests, proxy.injected
        found = {
            group: look_at(accounts, accounts.group(group), dead[group], forwarded=queue == SECOND)
            for queue, groups in GROUPS.items()
            for group in groups
        }
        wrong = complaints(accounts, found)
        wrong += ["connections of closed clients are left open"] if leaked else []
        wrong += [f"the broker logged: {line.strip()}" for line in self._broker.log if "Error" in line]
        return Report(
            plan=plan,
            accounts=accounts,
            found=found,
            dead=dead,
            requests=requests,
            injected=injected,
            kills=self._kills,
            stops=consumers.stops,
            complaints=wrong,
        )

    def _client(self, proxy: FaultProxy, **options: Any) -> Queen:
        # What production waits seconds for is waited for in milliseconds.
        given = {
            "timeout_millis": 1500,
            "retry_attempts": 2,
            "retry_delay_millis": 20,
            "health_retry_after_millis": 100,
            "connect_timeout_millis": 500,
            "engine": self._plan.engine,
            **options,
        }
        return Queen(proxy.url, **given)

    async def _configure(self, proxy: FaultProxy, lease_seconds: int) -> None:
        async with self._client(proxy) as queen:
            for name in GROUPS:
                await queen.queue(name).config({"leaseTime": lease_seconds, "retryLimit": 3}).create()

    async def _bad_days(self, proxy: FaultProxy) -> Consumers:
        plan, ended = self._plan, asyncio.Event()
        producers = Producers(self._client(proxy), self._accounts, plan.seed + 1, plan.pause)
        async with self._client(proxy) as queen:
            consumers = Consumers(queen, self._accounts, plan.seed + 2, plan.longest)
            timer = asyncio.get_running_loop().call_later(plan.seconds, ended.set)
            try:
                await asyncio.gather(producers.run(ended), consumers.run(ended), self._kill_now_and_then(proxy, ended))
            finally:
                timer.cancel()
        return consumers

    async def _kill_now_and_then(self, proxy: FaultProxy, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await wait_at_most(ended, self._plan.kill_every * self._draw.uniform(0.5, 1.5))
            if not ended.is_set():
                self._kills += 1
                await self._restart(proxy)

    async def _restart(self, proxy: FaultProxy, *, leases_end: bool = False) -> None:
        refusing = self._draw.random() < 0.5
        if refusing:
            proxy.refuse()
        await self._broker.kill()
        if leases_end:
            self._broker.let_leases_end()
            self._accounts.end_leases()
        await self._broker.start()
        proxy.broker_port = self._broker.port
        if refusing:
            proxy.accept()

    async def _drain(self, proxy: FaultProxy) -> Dict[str, Set[str]]:
        """Consume what is left, on a good day; the keys of the dead letters of each group."""
        await self._restart(proxy, leases_end=True)
        # What has piled up is taken in large batches.
        await self._configure(proxy, 300)
        dead: Dict[str, Set[str]] = {}
        async with self._client(proxy, timeout_millis=20_000) as queen:
            # The pipeline first: it fills the second queue.
            for queue, groups in GROUPS.items():
                await asyncio.gather(*[self._consume_all(queen, queue, group) for group in groups])
                for group in groups:
                    letters = await queen.queue(queue).dlq(group).limit(100_000).get()
                    dead[group] = {str(letter["data"]["key"]) for letter in letters["messages"]}
        return dead

    async def _consume_all(self, queen: Queen, queue: str, name: str) -> None:
        group = self._accounts.group(name)
        while True:
            messages = await queen.queue(queue).group(name).batch(200).pop()
            if not messages:
                return
            group.drained += len(messages)
            for message in messages:
                group.deliver(message)
            if name == PIPELINE:
                await self._send_on(queen, messages)
            else:
                results = await queen.ack(messages, True)
                refused = [result["error"] for result in results if not result["success"]]
                self._accounts.wrong += [f"{name}: an ack on a good day was refused: {error}" for error in refused]
            for message in messages:
                group.finish(message)

    async def _send_on(self, queen: Queen, messages: Sequence[Message]) -> None:
        transaction = queen.transaction().ack(messages)
        onward = []
        for message in messages:
            onward.append(self._accounts.forward(str(message.data["key"]), SECOND))
            transaction.queue(SECOND).partition(message.partition).push([{"data": {"key": onward[-1]}}])
        await transaction.commit()
        for key in onward:
            self._accounts.accept(key)
