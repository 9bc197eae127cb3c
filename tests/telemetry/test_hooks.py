"""Hooks: what they are told, and that nothing they do changes what the client does."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import Any, Iterator, List

import pytest

from queen import ConfigurationError, Hooks, Message, Queen, QueenError
from queen.hooks import ClientOpened, Commit, Flush, LeaseLost, Pop, Process, Push, Retry, Settlement
from queen.testing import QueenBroker
from tests.scripted_server import Received, Scripted, ScriptedServer, answers
from tests.telemetry.notes import Notes


async def test_a_push_a_pop_and_an_ack_are_told(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        [opened] = notes.of(ClientOpened)
        assert opened.servers == (server_url,)
        results = await queen.queue(queue_name).partition("p").push([{"data": 1}, {"data": 2}])
        [push] = notes.of(Push)
        assert (push.queue, push.partition, len(push.items), push.buffered) == (queue_name, "p", 2, False)
        assert push.results == results
        popped = await queen.queue(queue_name).group("g").batch(2).pop()
        [pop] = notes.of(Pop)
        assert (pop.queue, pop.group, pop.batch, list(pop.messages)) == (queue_name, "g", 2, popped)
        await popped[0].ack()
        [settlement] = notes.of(Settlement)
        assert (settlement.queue, settlement.group, settlement.status) == (queue_name, "g", "completed")
        assert list(settlement.transaction_ids) == [popped[0].transaction_id]
        assert [result["success"] for result in settlement.results] == [True]


async def test_a_pop_that_finds_nothing_is_told_too(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        assert await queen.queue(queue_name).pop() == []
    [pop] = notes.of(Pop)
    assert (list(pop.messages), pop.error) == ([], None)


async def test_a_handler_is_told_with_how_it_ended(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:

        def handler(message: Message) -> None:
            if message.data == 2:
                raise ValueError("no")

        await queen.queue(queue_name).push([{"data": 1}, {"data": 2}])
        await queen.queue(queue_name).group("g").batch(2).each().limit(2).consume(handler)
    first, second = notes.of(Process)
    assert ([message["data"] for message in first.messages], first.error, first.batch) == ([1], None, False)
    assert isinstance(second.error, ValueError)
    assert [settlement.status for settlement in notes.of(Settlement)] == ["completed", "failed"]
    assert notes.of(Settlement)[1].reason == "no"


async def test_a_batch_is_one_call(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        await queen.queue(queue_name).push([{"data": number} for number in range(3)])
        await queen.queue(queue_name).group("g").batch(3).limit(3).consume(lambda messages: None)
    [process] = notes.of(Process)
    assert (process.batch, len(process.messages)) == (True, 3)


async def test_a_push_into_a_buffer_and_its_flush_are_two_things(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        await queen.queue(queue_name).buffer().push([{"data": 1}])
        [opened], [push] = notes.of(ClientOpened), notes.of(Push)
        assert (push.buffered, push.results, dict(opened.buffered())) == (True, None, {queue_name: 1})
        await queen.flush_all_buffers()
        [flush] = notes.of(Flush)
        assert (flush.queue, flush.attempt, [item["payload"] for item in flush.items]) == (queue_name, 1, [1])
        assert [result["status"] for result in flush.results] == ["queued"]


async def test_a_flush_that_is_repeated_says_so() -> None:
    notes, seen = Notes(), 0

    async def script(received: Received) -> Scripted:
        nonlocal seen
        seen += 1
        if seen == 1:
            return Scripted(b"busy", 503)
        return answers([{"index": 0, "status": "queued", "message_id": "m"}], 201)

    async with ScriptedServer(script) as server:
        async with Queen(server.url, hooks=[notes], retry_attempts=0, retry_delay_millis=1, dialect="0.15") as queen:
            await queen.queue("q").buffer({"message_count": 1}).push([{"data": 1}])
    assert [(flush.attempt, flush.error is None) for flush in notes.of(Flush)] == [(1, False), (2, True)]


async def test_a_transaction_is_told(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        await queen.queue(queue_name).push([{"data": 1}])
        [message] = await queen.queue(queue_name).pop()
        await queen.transaction().ack(message).queue(queue_name).push([{"data": 2}]).commit()
    [commit] = notes.of(Commit)
    assert [(ack.transaction_id, ack.status) for ack in commit.acks] == [(message.transaction_id, "completed")]
    assert ([item["payload"] for item in commit.items], commit.in_doubt, commit.error) == ([2], False, None)


async def test_a_repeat_and_a_failure_are_told() -> None:
    notes = Notes()

    async def busy(_: Received) -> Scripted:
        return Scripted(b"busy", 503)

    async with ScriptedServer(busy) as server:
        async with Queen(server.url, hooks=[notes], retry_attempts=1, retry_delay_millis=1) as queen:
            with pytest.raises(QueenError) as raised:
                await queen.queue("q").push([{"data": 1}])
    [retry] = notes.of(Retry)
    assert (retry.server, retry.failed_server, retry.attempt) == (server.url, server.url, 2)
    assert "503" in retry.reason
    [push] = notes.of(Push)
    assert push.error is raised.value


async def test_a_lost_lease_is_told(queen_broker: QueenBroker) -> None:
    notes, lost = Notes(), asyncio.Event()
    async with Queen(queen_broker.url, hooks=[notes]) as queen:

        async def handler(_: Message) -> None:
            queen_broker.expire_leases()
            await lost.wait()

        await queen.queue("q").push([{"data": 1}])
        await (
            queen.queue("q")
            .group("g")
            .renew_lease(True, 1)
            .limit(1)
            .consume(handler)
            .on_lease_lost(lambda messages, error: lost.set())
        )
    [told] = notes.of(LeaseLost)
    assert (told.queue, told.group, [message["data"] for message in told.messages]) == ("q", "g", [1])


class Broken(Hooks):
    """Raises wherever it is called."""

    def opened(self, client: ClientOpened) -> None:
        raise RuntimeError("opened")

    def pushing(self, push: Push) -> Any:
        raise RuntimeError("pushing")

    @contextmanager
    def popping(self, pop: Pop) -> Iterator[None]:
        raise RuntimeError("popping")
        yield

    @contextmanager
    def processing(self, process: Process) -> Iterator[None]:
        yield
        raise RuntimeError("processing")

    def settling(self, settlement: Settlement) -> Any:
        return "no context manager"


async def test_a_hook_that_raises_is_logged_and_changes_nothing(
    server_url: str, queue_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: List[int] = []
    notes = Notes()
    async with Queen(server_url, hooks=[Broken(), notes]) as queen:
        await queen.queue(queue_name).push([{"data": 1}])
        await queen.queue(queue_name).group("g").limit(1).consume(lambda message: seen.append(message.data))
        assert seen == [1]
        assert await queen.queue(queue_name).group("g").pop() == []
    assert [type(event) for event in notes.told].count(Process) == 1
    for name in ("opened", "pushing", "popping", "processing"):
        assert f"RuntimeError: {name}" in caplog.text


async def test_a_hook_cannot_hold_an_error_back(server_url: str, queue_name: str) -> None:
    class Silencing(Hooks):
        @contextmanager
        def processing(self, process: Process) -> Iterator[None]:
            try:
                yield
            except ValueError:
                return

    failures: List[Exception] = []

    def fail(_: Message) -> None:
        raise ValueError("no")

    async with Queen(server_url, hooks=[Silencing()]) as queen:
        await queen.queue(queue_name).push([{"data": 1}])
        consuming = queen.queue(queue_name).group("g").limit(1).consume(fail)
        await consuming.on_error(lambda message, error: failures.append(error))
    assert [str(error) for error in failures] == ["no"]


async def test_a_cancelled_pop_is_told_and_stays_cancelled(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        popping = asyncio.ensure_future(queen.queue(queue_name).wait().pop())
        await asyncio.sleep(0)
        popping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await popping
    assert [type(pop.error) for pop in notes.of(Pop)] == [asyncio.CancelledError]


@pytest.mark.parametrize("hooks", [Notes(), [object()], [Notes], "x"])
def test_what_is_no_hook_is_refused(hooks: Any) -> None:
    with pytest.raises(ConfigurationError, match="hooks"):
        Queen("memory://hooks", hooks=hooks)
