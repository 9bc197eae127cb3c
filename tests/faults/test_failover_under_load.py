"""Under load one server of three dies, hangs or breaks: the load goes on, and comes back when the server does."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import AsyncIterator, Awaitable, Callable, List, Set

import attrs
import pytest

from queen import Queen, QueenError
from tests.faults import fault_kinds as faults
from tests.faults.broker_process import BrokerProcess
from tests.faults.plans import Clear, Scripted
from tests.faults.proxy import FaultProxy

WORKERS = 12
DEADLINE = 1.0
HEALTH_INTERVAL = 1.0
# In how much time the throughput is measured, before the failure and after; the second has more than one interval.
BEFORE = 0.4
AFTER = 2.2
# What a busy machine may add to a deadline.
LATE = 2.0


@attrs.frozen
class Site:
    """One server: a broker in a process of its own, and what stands before it."""

    broker: BrokerProcess
    proxy: FaultProxy


@pytest.fixture
async def sites(tmp_path: Path) -> AsyncIterator[List[Site]]:
    brokers = [BrokerProcess(tmp_path / f"{number}.db", "0.15") for number in range(3)]
    async with AsyncExitStack() as stack:
        await asyncio.gather(*[stack.enter_async_context(broker) for broker in brokers])
        yield [Site(broker, await stack.enter_async_context(FaultProxy(broker.port))) for broker in brokers]


@attrs.frozen
class Sent:
    """One push."""

    key: str
    begun: float
    ended: float
    accepted: bool


class Load:
    """Workers that push without a pause, each to partitions of its own choice."""

    def __init__(self, queen: Queen) -> None:
        self._queen = queen
        self._draw = random.Random(1)
        self.sent: List[Sent] = []

    async def run(self) -> None:
        await asyncio.gather(*[self._work(number) for number in range(WORKERS)])

    def accepted_between(self, begin: float, end: float) -> int:
        return sum(sent.accepted and begin <= sent.ended < end for sent in self.sent)

    async def _work(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        for count in range(1_000_000):
            key, begun, accepted = f"{number}-{count}", loop.time(), True
            partition = f"p{self._draw.randrange(30)}"
            try:
                await self._queen.queue("q").partition(partition).push([{"data": key, "transactionId": key}])
            except QueenError:
                accepted = False
            self.sent.append(Sent(key, begun, loop.time(), accepted))


def client(sites: List[Site], **options: object) -> Queen:
    given = {
        "dialect": "0.15",
        "timeout_millis": round(DEADLINE * 1000),
        "retry_attempts": 0,
        "retry_delay_millis": 5,
        "health_retry_after_millis": round(HEALTH_INTERVAL * 1000),
    }
    return Queen([site.proxy.url for site in sites], **{**given, **options})


async def kill(site: Site) -> None:
    site.proxy.refuse()
    site.proxy.reset_all()
    await site.broker.kill()


async def restart(site: Site) -> None:
    await site.broker.start()
    site.proxy.broker_port = site.broker.port
    site.proxy.accept()


async def hang(site: Site) -> None:
    site.proxy.plan = Scripted({0: faults.Stall()})


async def break_down(site: Site) -> None:
    site.proxy.plan = Scripted({0: faults.broken(delivered=False)})


async def clear(site: Site) -> None:
    site.proxy.plan = Clear()


async def stored(sites: List[Site]) -> Set[str]:
    """The keys of all messages that the brokers have."""
    keys: Set[str] = set()
    for site in sites:
        async with Queen(site.proxy.url, dialect="0.15") as queen:
            popped = await queen.queue("q").batch(1_000_000).partitions(100).pop()
            keys.update(message.data for message in popped)
    return keys


@pytest.mark.parametrize(
    ("fail", "come_back", "missed", "missed_later"),
    [
        (kill, restart, 0, 0),
        (break_down, clear, 0, 0),
        # All who wait for it when it hangs, and then one in each interval to find out whether it is back.
        (hang, clear, WORKERS, 5),
    ],
    ids=["killed", "500 without JSON", "hanging"],
)
async def test_load_goes_on_without_a_server_and_returns_to_it(
    sites: List[Site],
    fail: Callable[[Site], Awaitable[None]],
    come_back: Callable[[Site], Awaitable[None]],
    missed: int,
    missed_later: int,
) -> None:
    loop = asyncio.get_running_loop()
    async with client(sites) as queen:
        load = Load(queen)
        working = asyncio.ensure_future(load.run())
        await asyncio.sleep(2 * BEFORE)
        failed_at = loop.time()
        recovered_at = failed_at + HEALTH_INTERVAL
        before = load.accepted_between(failed_at - BEFORE, failed_at) / BEFORE
        await fail(sites[0])
        await asyncio.sleep(recovered_at + AFTER - loop.time())
        after = load.accepted_between(recovered_at, recovered_at + AFTER) / AFTER
        # A third of the servers is gone, and a busy machine may be busier than before.
        assert after > before / 4

        await come_back(sites[0])
        came_back_at = loop.time()
        used = asyncio.Event()
        sites[0].proxy.see = lambda seen: used.set() if seen.clean else None
        await asyncio.wait_for(used.wait(), 20)
        assert loop.time() - came_back_at < HEALTH_INTERVAL + DEADLINE + LATE
        working.cancel()
        await asyncio.wait({working})

    longest = max(sent.ended - sent.begun for sent in load.sent)
    assert longest < DEADLINE + LATE
    later = [sent.begun >= recovered_at for sent in load.sent if not sent.accepted]
    assert later.count(False) <= missed
    assert later.count(True) <= missed_later
    assert {sent.key for sent in load.sent if sent.accepted} <= await stored(sites)
    assert all([await site.proxy.all_closed() for site in sites])


async def test_a_slow_server_is_better_than_one_that_is_dead_and_one_that_is_broken(sites: List[Site]) -> None:
    await kill(sites[0])
    await break_down(sites[1])
    sites[2].proxy.plan = Scripted({0: faults.Delay(0.02)})
    async with client(sites, timeout_millis=30_000, health_retry_after_millis=60_000) as queen:
        pushes = [queen.queue("q").partition(f"p{number}").push([{"data": str(number)}]) for number in range(60)]
        results = await asyncio.gather(*pushes)
        assert {result["status"] for [result] in results} == {"queued"}
        asked = sites[1].proxy.requests
        await queen.queue("q").push([{"data": "60"}])
    # What is known to be broken is not asked again before its time.
    assert sites[1].proxy.requests == asked
    await restart(sites[0])
    await clear(sites[1])
    assert await stored(sites) == {str(number) for number in range(61)}
