"""A call that is cancelled, wherever it waits, loses nothing, and leaves a client that works and nothing running."""

from __future__ import annotations

import asyncio
import functools
import gc
import itertools
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, List, Set

import pytest

from queen import Message, Queen, QueenBufferError
from queen.broker import open_broker
from tests.cancellation.calls import calls
from tests.cancellation.suspensions import Moment, cancelled_at

MOMENTS: List[Moment] = ["at once", "soon", "as it comes"]
# A call that is suspended more often than this goes on for ever.
MOST = 60
_numbers = itertools.count()
# What cannot be called again and again with the same effect is called anew on a fresh client.
NAMES = [
    "push", "buffered push", "flush", "pop", "long poll", "pop of a namespace", "pop of a new group", "consume", "ack",
    "ack of a list", "ack of a message", "nack of a message", "renew", "renew of a message", "commit of a push",
    "commit of an ack", "dead letters", "redrive", "purge", "create", "delete", "define a stream", "process a stream",
    "seek a stream", "delete a group", "move a group", "overview", "send", "trace", "push of nothing",
    "flush of a queue", "ack of nothing", "renew of nothing", "listing", "messages", "groups", "metrics",
]  # fmt: skip

# What differs on the way to a socket: requests of one kind, and of several kinds in a row.
OVER_SOCKETS = [
    "push", "buffered push", "flush", "pop", "long poll", "consume", "ack of a message", "renew", "commit of an ack",
    "redrive", "process a stream",
]  # fmt: skip


async def works(queen: Queen) -> None:
    """The client pushes, pops and acknowledges, and each answer is that to its own request."""
    name = f"works-{next(_numbers)}"
    await queen.queue(name).create()
    results = await asyncio.gather(
        *(
            queen.queue(name).partition(f"p{n}").push([{"data": n, "transactionId": f"t{n}"}] * (n + 1))
            for n in range(3)
        )
    )
    assert [len(result) for result in results] == [1, 2, 3]
    found = await asyncio.gather(*(queen.queue(name).partition(f"p{n}").pop() for n in range(3)))
    assert [[message.data for message in messages] for messages in found] == [[0], [1], [2]]
    acks = await asyncio.gather(*(messages[0].ack() for messages in found))
    assert [(ack["success"], ack["transactionId"]) for ack in acks] == [(True, f"t{n}") for n in range(3)]


async def settle_down(before: Set[Any]) -> None:
    """Until nothing runs that did not run before; tasks that were cancelled need a few turns to end."""
    for _ in range(200):
        left = asyncio.all_tasks() - before
        if not left:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"still running: {left}")


async def prepared(queen: Queen) -> Dict[str, Callable[[], Awaitable[Any]]]:
    name = f"q{next(_numbers)}"
    await queen.queue(name).namespace(name).create()
    await queen.queue(name).push([{"data": 1}, {"data": 2}])
    messages: List[Message] = await queen.queue(name).group("of the message").pop()
    made = calls(queen, messages[0], name)
    made["process a stream"] = _windows(queen, name)
    made["trace"] = lambda: messages[0].trace({"data": {"n": 1}})
    return made


async def sweep(name: str, moment: Moment, url: str) -> None:
    """Cancel a call at its first suspension, at its second, and so on until it ends before."""
    for place in range(1, MOST):
        async with Queen(url, retry_delay_millis=1) as queen:
            made = await prepared(queen)
            before = asyncio.all_tasks()
            reached = await cancelled_at(made[name], place, moment)
            if name not in ("buffered push", "flush"):
                await settle_down(before)
            await works(queen)
        if not reached:
            gc.collect()
            return
    raise AssertionError(f"{name} is suspended for ever")


async def sweep_of_a_buffer(what: str, moment: Moment, url: str) -> None:
    for place in range(1, MOST):
        if not await _nothing_is_lost(what, place, moment, url):
            gc.collect()
            return
    raise AssertionError(f"{what} is suspended for ever")


async def _nothing_is_lost(what: str, place: int, moment: Moment, url: str) -> bool:
    """Push five messages, cancel something, and look where they are; whether it was suspended so often."""
    name = f"kept{next(_numbers)}"
    queen = Queen(url, retry_delay_millis=1)
    buffer = queen.queue(name).buffer({"message_count": 2, "max_size": 2, "time_millis": 60_000})
    returned: List[int] = []
    kept: List[Any] = []
    await queen.queue(name).create()

    async def push_all() -> None:
        for number in range(5):
            await buffer.push([{"data": number}])
            returned.append(number)

    if what == "push":
        reached = await cancelled_at(push_all, place, moment)
    else:
        await push_all()
        reached = await cancelled_at(queen.close if what == "close" else queen.flush_all_buffers, place, moment)
    try:
        await queen.close()
    except QueenBufferError as error:
        kept = [item["data"] for item in error.unsent]
    async with Queen(url) as reader:
        stored = [message.data for message in await reader.queue(name).batch(10).pop()]
    # What was under way when close() was cancelled may be stored, and is handed back too: nobody knows.
    found = stored + [data for data in kept if data not in stored]
    # The one push that was cancelled may have been taken or not.
    assert found in (returned, [*returned, len(returned)])
    return reached


@pytest.mark.parametrize("moment", ["at once", "as it comes"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_call_can_be_cancelled_wherever_it_waits(name: str, moment: Moment, memory: str) -> None:
    await sweep(name, moment, memory)


@pytest.mark.sockets
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", OVER_SOCKETS)
async def test_a_call_over_a_socket_can_be_cancelled_wherever_it_waits(
    name: str, moment: Moment, broker_url: str
) -> None:
    await sweep(name, moment, broker_url)


@pytest.mark.sockets
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_call_that_waits_for_a_connection_can_be_cancelled(moment: Moment, broker_url: str) -> None:
    for place in range(1, MOST):
        async with Queen(broker_url, max_connections=1) as queen:
            name = f"crowded{next(_numbers)}"
            await queen.queue(name).create()
            queue = queen.queue(name)
            before = asyncio.all_tasks()
            first = asyncio.ensure_future(queue.push([{"data": 0}]))
            await asyncio.sleep(0)
            waiting = asyncio.ensure_future(
                cancelled_at(functools.partial(queue.push, [{"data": 1}] * 2), place, moment)
            )
            await asyncio.sleep(0)
            last = asyncio.ensure_future(queue.push([{"data": 2}] * 3))
            # The answers are of three lengths, and nobody gets one that is not his.
            assert [len(result) for result in await asyncio.wait_for(asyncio.gather(first, last), 5)] == [1, 3]
            reached = await waiting
            await settle_down(before)
            await works(queen)
        if not reached:
            return
    raise AssertionError("it is suspended for ever")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("what", ["push", "flush", "close"])
async def test_no_buffered_message_is_lost_by_a_cancellation(what: str, moment: Moment, memory: str) -> None:
    await sweep_of_a_buffer(what, moment, memory)


@pytest.mark.sockets
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("what", ["push", "flush", "close"])
async def test_no_message_on_its_way_to_a_socket_is_lost(what: str, moment: Moment, broker_url: str) -> None:
    await sweep_of_a_buffer(what, moment, broker_url)


@pytest.fixture
async def memory() -> AsyncIterator[str]:
    broker = open_broker("memory://cancelled")
    yield "memory://cancelled"
    await broker.close()


def _windows(queen: Queen, name: str) -> Callable[[], Awaitable[None]]:
    consumer = queen.consumer("s", "g")

    async def process() -> None:
        await queen.stream("s", "n").sources([name]).define()
        await consumer.process(lambda _: None)

    return process
