"""Consumers of every kind; they are stopped, by signal and by cancellation, and started again."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any, Awaitable, Callable, Counter, Dict, List, Sequence

import attrs
from typing_extensions import Final

from queen import Message, Queen
from queen.builders.consume import ConsumeBuilder
from queen.builders.queue import QueueBuilder
from queen.waiting import wait_at_most
from tests.faults.soak.accounts import PIPELINE, SINK, Accounts, Group
from tests.faults.soak.producers import FIRST, committed

SECOND: Final = "second"
# As long as a poll waits: a consumer that is stopped must not wait longer.
_POLL_MILLIS: Final = 300
_FLAKY: Final = 0.01
# Each so-manieth message of a stream fails whenever it is handled, and ends as a dead letter.
_POISON_EVERY: Final = 41


class PlannedError(Exception):
    """What handlers raise on purpose."""


@attrs.frozen
class Role:
    """One way to consume.

    Attributes:
        group: the consumer group.
        queue: what it consumes.
        builder: how.
        cancelled: how likely it is that the consumer is cancelled when it is stopped, and not told by its signal.
    """

    group: str
    queue: str
    builder: Callable[[QueueBuilder], QueueBuilder]
    cancelled: float = 0.5


ROLES: Final = (
    Role("single", FIRST, lambda queue: queue.concurrency(6)),
    Role("batch", FIRST, lambda queue: queue.batch(10).concurrency(2)),
    Role("each", FIRST, lambda queue: queue.batch(5).each().concurrency(3)),
    # A renewal asks for a minute at least: so long a partition is held when its consumer is cancelled.
    Role("renewing", FIRST, lambda queue: queue.batch(3).each().concurrency(3).renew_lease(True, 250), cancelled=0.05),
    Role(PIPELINE, FIRST, lambda queue: queue.batch(3).each().concurrency(4)),
    Role(SINK, SECOND, lambda queue: queue.batch(10).partitions(3).each().concurrency(2)),
)
GROUPS: Final[Dict[str, Sequence[str]]] = {
    queue: [role.group for role in ROLES if role.queue == queue] for queue in (FIRST, SECOND)
}


class Consumers:
    """One consumer of each role.

    Args:
        queen: consumes.
        accounts: are told.
        seed: for pauses, failures and stops.
        longest: for how long a consumer runs at most before it is stopped, in seconds.

    Attributes:
        stops: how often consumers were stopped, by how.
    """

    def __init__(self, queen: Queen, accounts: Accounts, seed: int, longest: float) -> None:
        self._queen = queen
        self._accounts = accounts
        self._draw = random.Random(seed)
        self._longest = longest
        self.stops: Counter[str] = Counter()

    async def run(self, ended: asyncio.Event) -> None:
        """Consume until the end, which is told by signal."""
        await asyncio.gather(*[self._run(role, ended) for role in ROLES])

    async def _run(self, role: Role, ended: asyncio.Event) -> None:
        while not ended.is_set():
            signal = asyncio.Event()
            consuming = asyncio.ensure_future(_awaited(self._consumer(role, signal)))
            await wait_at_most(ended, self._draw.uniform(0.3, self._longest))
            if not ended.is_set() and self._draw.random() < role.cancelled:
                self.stops["cancelled"] += 1
                self._accounts.group(role.group).cancel()
                consuming.cancel()
            else:
                self.stops["signalled"] += 1
                signal.set()
            with contextlib.suppress(asyncio.CancelledError):
                await consuming

    def _consumer(self, role: Role, signal: asyncio.Event) -> ConsumeBuilder:
        queue = role.builder(self._queen.queue(role.queue).group(role.group)).timeout_millis(_POLL_MILLIS)
        group = self._accounts.group(role.group)
        handlers: Dict[str, Callable[[Any], Awaitable[None]]] = {
            "batch": lambda messages: self._handle_batch(group, messages),
            "renewing": lambda message: self._handle_slowly(group, message),
            PIPELINE: lambda message: self._handle_onward(group, message),
        }
        return queue.consume(handlers.get(role.group, lambda message: self._handle(group, message)), signal)

    async def _handle(self, group: Group, message: Message) -> None:
        key = group.deliver(message)
        self._fail_some(group, [message], poisoned=group.name != SINK and _is_poison(key))
        await asyncio.sleep(self._draw.uniform(0.0, 0.004))
        group.finish(message)

    async def _handle_batch(self, group: Group, messages: List[Message]) -> None:
        for message in messages:
            group.deliver(message)
        self._fail_some(group, messages, poisoned=False)
        await asyncio.sleep(self._draw.uniform(0.0, 0.02))
        for message in messages:
            group.finish(message)

    async def _handle_slowly(self, group: Group, message: Message) -> None:
        key = group.deliver(message)
        self._fail_some(group, [message], poisoned=_is_poison(key))
        # Some work takes longer than the lease, which is renewed meanwhile.
        await asyncio.sleep(1.3 if self._draw.random() < 0.01 else self._draw.uniform(0.0, 0.02))
        group.finish(message)

    async def _handle_onward(self, group: Group, message: Message) -> None:
        key = group.deliver(message)
        self._fail_some(group, [message], poisoned=_is_poison(key))
        onward = self._accounts.forward(key, SECOND)
        transaction = self._queen.transaction().ack(message)
        transaction.queue(SECOND).partition(message.partition).push([{"data": {"key": onward}}])
        try:
            await committed(transaction.commit)
        except Exception as error:
            self._accounts.fail(onward, error, maybe_delivered=getattr(error, "maybe_delivered", True))
            group.fail(message)
            raise
        except asyncio.CancelledError as error:
            # It may be under way.
            self._accounts.interrupt(onward, error)
            raise
        self._accounts.accept(onward)
        group.finish(message)

    def _fail_some(self, group: Group, messages: Sequence[Message], *, poisoned: bool) -> None:
        if poisoned or self._draw.random() < _FLAKY:
            for message in messages:
                group.fail(message)
            raise PlannedError("poison" if poisoned else "flaky")


def _is_poison(key: str) -> bool:
    return int(key.rpartition(":")[2]) % _POISON_EVERY == 0


async def _awaited(consumer: ConsumeBuilder) -> None:
    await consumer
