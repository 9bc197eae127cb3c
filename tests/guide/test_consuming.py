"""Consuming Messages and from Partitions, Concurrency Patterns, Processing Errors, callbacks, AbortController."""

from __future__ import annotations

import asyncio
from typing import Any, List, Optional

import pytest

from queen import ClientClosedError, Message
from tests.guide.bindings import runs
from tests.guide.harness import Calls, Guide, data
from tests.guide.program import alongside, until


@runs(s15="Pop vs Consume")
async def test_popped_messages_are_acknowledged_one_by_one(guide: Guide) -> None:
    await guide.queen.queue("tasks").push([{"data": n} for n in range(3)])
    process = Calls(fails_on(2))
    await guide.run(15, process_message=process)
    assert process.seen == [0, 1, 2]
    assert await guide.unsettled("tasks") == [2]


@runs(s16="Pop vs Consume")
async def test_a_worker_retries_what_failed_and_takes_what_arrives(guide: Guide) -> None:
    await guide.queen.queue("tasks").push([{"data": 0}, {"data": 1}])
    process = Calls(fails_once_on(0))
    async with guide.running(16, process_task=process) as program:
        await program.until(lambda: process.seen == [0, 0, 1])
        await guide.queen.queue("tasks").push([{"data": 2}])
        await program.until(lambda: process.seen == [0, 0, 1, 2])
    assert await guide.unsettled("tasks") == []


@runs(s17="Handler Signatures")
async def test_a_handler_takes_one_message_or_a_list(guide: Guide) -> None:
    pops: List[int] = []
    async with guide.running(17) as program:
        for consumer in range(3):
            before = guide.door.count("GET /api/v1/pop")
            await guide.queen.queue("tasks").push([{"data": [consumer, n]} for n in range(3)])
            await program.until(lambda: len(guide.printed) == 3 * consumer + 3)  # noqa: B023  (awaited at once)
            pops.append(guide.door.count("GET /api/v1/pop") - before)
            await program.interrupt()
    # At first one for each message and one that waits for more. With batch(10) the one that waits brings all of them,
    # and one waits again.
    assert pops == [4, 1, 1]
    assert guide.printed == [str([consumer, n]) for consumer in range(3) for n in range(3)]
    assert await guide.unsettled("tasks") == []


@runs(s18="Consume Options")
async def test_five_workers_take_twenty_at_a_time_until_the_limit(guide: Guide) -> None:
    for user in range(5):
        await guide.queen.queue("tasks").partition(f"user-{user}").push([{"data": n} for n in range(120)])
    workers = Together(5)

    async def handler(messages: List[Message]) -> None:
        await workers(len(messages))

    await guide.run(18, handler=handler)
    assert workers.most == 5
    # Each of the five workers ends after a hundred.
    assert workers.seen == [20] * 25
    assert len(await guide.unsettled("tasks")) == 100


async def test_workers_stop_after_five_seconds_without_messages(guide: Guide) -> None:
    await guide.queen.queue("tasks").push([{"data": 1}])
    handler = Calls()
    async with guide.running(18, handler=handler) as program:
        await program.until(lambda: guide.broker.parked_polls == 5)
        guide.time.advance(4.9)
        await program.until(lambda: guide.broker.parked_polls == 5)
        guide.time.advance(0.1)
        await program.wait()
    assert [data(messages) for messages in handler.seen] == [[1]]
    assert await guide.unsettled("tasks") == []


@runs(s19="Pop Options")
async def test_a_pop_can_wait_for_messages(guide: Guide) -> None:
    async with guide.running(19) as program:
        await program.until(lambda: guide.broker.parked_polls == 1)
        await guide.queen.queue("tasks").push([{"data": n} for n in range(12)])
        await program.wait()
    assert data(program.names["messages"]) == list(range(10))
    assert await guide.unsettled("tasks") == list(range(12))


@runs(s21="Consuming from Partitions")
async def test_a_consumer_of_one_partition_sees_no_other(guide: Guide) -> None:
    for user in ("user-123", "user-9"):
        await guide.queen.queue("user-events").partition(user).push([{"data": {"event": n}} for n in range(3)])
    async with guide.running(21) as program:
        await program.until(lambda: len(guide.printed) == 3)
    assert guide.printed == [f"User 123 did: {n}" for n in range(3)]
    assert await guide.unsettled("user-events") == [{"event": n} for n in range(3)]


@runs(s55="Success and Error Callbacks")
async def test_callbacks_are_told_and_settle_what_failed(guide: Guide) -> None:
    for kind in ("good", "temporary trouble", "broken"):
        await guide.queen.queue("tasks").partition(kind.split()[0]).push([{"data": kind}])
    failed: List[str] = []

    def answer(kind: str) -> Optional[str]:
        if kind == "good" or kind in failed[:1]:
            return "fine"
        failed.append(kind)
        raise ValueError(kind)

    async with guide.running(55, process_message=Calls(answer)) as program:
        await program.until(lambda: len(guide.printed) == 4)
    assert sorted(guide.printed) == [
        "Failed: broken",
        "Failed: temporary trouble",
        "Success! Result: fine",
        "Success! Result: fine",
    ]
    [letter] = (await guide.queen.queue("tasks").dlq().get())["messages"]
    assert (letter["data"], letter["errorMessage"]) == ("broken", "broken")
    # Auto-ack is off, and the guide's on_success acknowledges nothing.
    assert sorted(await guide.unsettled("tasks")) == ["good", "temporary trouble"]


@runs(s60="With AbortController")
async def test_a_signal_ends_a_consumer_after_the_message_at_hand(guide: Guide) -> None:
    await guide.queen.queue("tasks").push([{"data": n} for n in range(3)])
    working = asyncio.Event()
    finished: List[int] = []

    class LaterEvent(asyncio.Event):
        """The guide's "Later...": the signal is set once a message is at hand."""

        def set(self) -> None:
            asyncio.ensure_future(working.wait()).add_done_callback(lambda _: super(LaterEvent, self).set())

    async def handler(message: Message) -> None:
        working.set()
        for _ in range(20):
            await asyncio.sleep(0)
        finished.append(message.data)

    guide.asyncio_names["Event"] = LaterEvent
    await guide.run(60, handler=handler)
    assert finished == [0]
    with pytest.raises(ClientClosedError):
        guide.queen.queue("tasks")
    assert await guide.unsettled("tasks") == [1, 2]


async def test_a_signal_that_is_set_at_once_ends_a_consumer_before_it_starts(guide: Guide) -> None:
    await guide.queen.queue("tasks").push([{"data": 1}])
    handler = Calls()
    await guide.run(60, handler=handler)
    assert handler.seen == []
    assert await guide.unsettled("tasks") == [1]


@runs(s64="Parallel Workers")
async def test_five_workers_of_a_group_handle_each_message_once(guide: Guide) -> None:
    for user in range(10):
        await guide.queen.queue("tasks").partition(f"user-{user}").push([{"data": [user, n]} for n in range(3)])
    async with guide.running(64) as program:
        await program.until(lambda: len(guide.printed) == 30)
    workers, messages = zip(*(line.split(": ") for line in guide.printed))
    assert set(workers) == {f"Worker {number}" for number in range(5)}
    assert sorted(messages) == [str([user, n]) for user in range(10) for n in range(3)]
    assert await guide.unsettled("tasks", "workers") == []


@runs(s65="Built-In Concurrency")
async def test_one_call_starts_five_workers(guide: Guide) -> None:
    for user in range(6):
        await guide.queen.queue("tasks").partition(f"user-{user}").push([{"data": user}])
    workers = Together(5)
    async with guide.running(65, process_task=workers) as program:
        await program.until(lambda: len(workers.seen) == 6)
    assert workers.most == 5
    assert await guide.unsettled("tasks") == []


@runs(s74="Processing Errors")
async def test_temporary_errors_are_retried_and_permanent_ones_given_up(guide: Guide) -> None:
    class TemporaryError(Exception):
        pass

    class PermanentError(Exception):
        pass

    def answer(message: str) -> None:
        if message == "permanent":
            raise PermanentError("cannot be")
        if operation.seen.count("temporary") == 1:
            raise TemporaryError("not now")

    operation = Calls(answer)
    for message in ("temporary", "permanent", "good"):
        await guide.queen.queue("tasks").push([{"data": message}])
    errors = {"TemporaryError": TemporaryError, "PermanentError": PermanentError}
    async with guide.running(74, risky_operation=operation, **errors) as program:
        await program.until(lambda: len(operation.seen) == 4)
    assert operation.seen == ["temporary", "temporary", "permanent", "good"]
    [letter] = (await guide.queen.queue("tasks").dlq().get())["messages"]
    assert (letter["data"], letter["errorMessage"]) == ("permanent", "cannot be")
    assert await guide.unsettled("tasks") == []


@runs(s79="Scalable Processing")
async def test_ten_workers_take_batches_of_twenty(guide: Guide) -> None:
    for user in range(10):
        await guide.queen.queue("tasks").partition(f"user-{user}").push([{"data": n} for n in range(40)])
    workers = Together(10)

    async def handler(messages: List[Message]) -> None:
        await workers(len(messages))

    process = (await guide.run(79, handler=handler))["process"]
    async with alongside(process()):
        await until(lambda: len(workers.seen) == 20)
    assert (workers.most, workers.seen) == (10, [20] * 20)
    assert await guide.unsettled("tasks", "workers") == []


@runs(s80="Ordered Processing")
async def test_the_events_of_one_user_are_processed_in_order(guide: Guide) -> None:
    for n in range(3):
        for user in (7, 8):
            await guide.queen.queue("events").partition(f"user-{user}").push([{"data": [user, n]}])
    process = Calls(fails_once_on([7, 1]))
    names = await guide.run(80, process_in_order=process)
    async with alongside(names["process_user_events"](7)):
        await until(lambda: len(process.seen) == 4)
    assert process.seen == [[7, 0], [7, 1], [7, 1], [7, 2]]
    assert await guide.unsettled("events") == [[8, 0], [8, 1], [8, 2]]


class Together(Calls):
    """Holds the first so many callers until all of them are there."""

    def __init__(self, count: int) -> None:
        super().__init__(self._wait)
        self._count = count
        self._full = asyncio.Event()
        self._running = 0
        self.most = 0

    async def _wait(self, _: Any) -> None:
        self._running += 1
        self.most = max(self.most, self._running)
        if self._running == self._count:
            self._full.set()
        await self._full.wait()
        self._running -= 1


def fails_on(bad: Any) -> Any:
    def answer(argument: Any) -> None:
        if argument == bad:
            raise ValueError("bad")

    return answer


def fails_once_on(bad: Any) -> Any:
    failed: List[Any] = []

    def answer(argument: Any) -> None:
        if argument == bad and not failed:
            failed.append(argument)
            raise ValueError("not yet")

    return answer
