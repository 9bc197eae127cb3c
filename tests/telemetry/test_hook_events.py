"""What hooks are told of each way to push, pop and settle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Tuple

import pytest

from queen import Message, Queen, QueenBufferError
from queen.hooks import ClientOpened, Flush, Pop, Process, Push, Retry, Settlement
from queen.testing import QueenBroker
from tests.scripted_server import Drop, Received, Scripted, ScriptedServer, answers
from tests.telemetry.notes import Notes


@dataclass
class Order:
    id: int


def settled(notes: Notes) -> List[Tuple[str, int, Any]]:
    """The status, the number of messages and the reason of each settlement."""
    return [(told.status, len(told.transaction_ids), told.reason) for told in notes.of(Settlement)]


@pytest.mark.parametrize(
    ("status", "told"), [(True, "completed"), (False, "failed"), ("failed", "dlq"), ("dlq", "dlq"), ("retry", "retry")]
)
async def test_each_way_to_settle_is_told(server_url: str, queue_name: str, status: object, told: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        await queen.queue(queue_name).push([{"data": 1}])
        [message] = await queen.queue(queue_name).group("g").pop()
        result = await queen.ack(message, status, {"error": "why"} if status is not True else None)
    [settlement] = notes.of(Settlement)
    assert (settlement.status, settlement.group, settlement.queue) == (told, "g", queue_name)
    assert settlement.partition_id == message.partition_id
    assert list(settlement.transaction_ids) == [message.transaction_id]
    [told_result] = settlement.results
    assert (told_result["success"], told_result["dlq"]) == (result["success"], result["dlq"])
    assert told_result["success"]
    if told in ("failed", "dlq"):
        assert settlement.reason == "why"


async def test_an_ack_that_waits_is_told_with_those_before_it(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        await queen.queue(queue_name).push([{"data": 1}, {"data": 2}])
        first, second = await queen.queue(queue_name).group("g").batch(2).pop()
        assert (await second.ack()).get("pending")
        assert settled(notes) == []
        await first.ack()
    assert settled(notes) == [("completed", 2, None)]


async def test_a_batch_that_fails_is_a_nack_and_comes_again(server_url: str, queue_name: str) -> None:
    notes, calls = Notes(), 0
    async with Queen(server_url, hooks=[notes]) as queen:

        def handler(messages: List[Message]) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise ValueError("no")

        await queen.queue(queue_name).push([{"data": 1}, {"data": 2}])
        await queen.queue(queue_name).group("g").batch(2).limit(4).consume(handler)
    failed, done = notes.of(Process)
    assert isinstance(failed.error, ValueError)
    assert ([len(told.messages) for told in (failed, done)], done.error) == ([2, 2], None)
    (status, _, reason), *others = settled(notes)
    assert (status, reason) == ("failed", "no")
    assert others[-1] == ("completed", 2, None)
    assert {other[0] for other in others[:-1]} <= {"retry"}


async def test_a_pop_of_a_namespace_is_one_pop(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        for name in (f"{queue_name}-a", f"{queue_name}-b"):
            await queen.queue(name).namespace(queue_name).task("t").create()
        await queen.queue(f"{queue_name}-b").push([{"data": 1}])
        popped = await queen.queue().namespace(queue_name).task("t").group("g").pop()
        [pop] = notes.of(Pop)
        assert (pop.queue, pop.namespace, pop.task, pop.group) == (None, queue_name, "t", "g")
        assert list(pop.messages) == popped
        assert [message.data for message in popped] == [1]
        await popped[0].ack()
    [settlement] = notes.of(Settlement)
    assert settlement.queue == f"{queue_name}-b"


async def test_a_long_poll_that_finds_nothing_is_told_with_its_time(queen_broker: QueenBroker) -> None:
    notes = Notes()
    async with Queen(queen_broker.url, hooks=[notes]) as queen:
        assert await queen.queue("q").partition("p").wait(True).timeout_millis(20).pop() == []
    [pop] = notes.of(Pop)
    assert (pop.wait, pop.partition, list(pop.messages), pop.error) == (True, "p", [], None)
    assert pop.seconds >= 0.01


async def test_a_misfit_is_settled_and_no_handler_is_told_of_it(server_url: str, queue_name: str) -> None:
    notes, seen = Notes(), []
    async with Queen(server_url, hooks=[notes]) as queen:
        await queen.queue(queue_name).push([{"data": {"id": "x"}}, {"data": {"id": 2}}])
        orders = queen.queue(queue_name, model=Order).group("g").batch(2).each().limit(2)
        await orders.consume(lambda message: seen.append(message.data))
    assert seen == [Order(2)]
    [process] = notes.of(Process)
    assert [message["data"] for message in process.messages] == [{"id": 2}]
    (misfit, count, reason), done = settled(notes)
    assert (misfit, count, done) == ("dlq", 1, ("completed", 1, None))
    assert "id" in reason


async def test_a_push_of_a_model_is_told_as_it_goes_over_the_wire(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        await queen.queue(queue_name, model=Order).push([Order(1)])
    [push] = notes.of(Push)
    assert [item["payload"] for item in push.items] == [{"id": 1}]


async def test_a_flush_that_fails_is_told_and_its_buffer_keeps_the_messages(queen_broker: QueenBroker) -> None:
    notes = Notes()
    async with Queen(queen_broker.url, hooks=[notes], retry_attempts=0, retry_delay_millis=1) as queen:
        [opened] = notes.of(ClientOpened)
        await queen.queue("q").buffer({"message_count": 100, "time_millis": 600_000}).push([{"data": 1}])
        queen_broker.fail_next(1, operation="push")
        with pytest.raises(QueenBufferError) as raised:
            await queen.queue("q").flush_buffer()
        assert dict(opened.buffered()) == {"q": 1}
        await queen.queue("q").flush_buffer()
        assert sum(opened.buffered().values()) == 0
    failed, done = notes.of(Flush)
    assert (failed.attempt, failed.results, done.attempt, done.error) == (1, None, 2, None)
    assert failed.error is not None
    assert str(failed.error) in str(raised.value)
    assert [[item["payload"] for item in told.items] for told in (failed, done)] == [[1], [1]]
    assert len(notes.of(Push)) == 1


async def test_closing_flushes_and_tells(queen_broker: QueenBroker) -> None:
    notes = Notes()
    async with Queen(queen_broker.url, hooks=[notes]) as queen:
        await queen.queue("q").buffer().push([{"data": 1}])
        assert notes.of(Flush) == []
    assert [len(told.items) for told in notes.of(Flush)] == [1]


async def test_a_failover_names_both_servers() -> None:
    notes = Notes()

    async def gone(_: Received) -> Drop:
        return Drop()

    async def there(received: Received) -> Scripted:
        return answers([{"index": 0, "status": "queued", "message_id": "m"}], 201)

    async with ScriptedServer(gone) as bad, ScriptedServer(there) as good:
        options: Any = {"load_balancing_strategy": "round-robin", "retry_attempts": 0, "retry_delay_millis": 1}
        async with Queen([bad.url, good.url], hooks=[notes], dialect="0.15", **options) as queen:
            await queen.queue("q").push([{"data": 1}])
    [retry] = notes.of(Retry)
    assert (retry.operation, retry.failed_server, retry.server, retry.attempt) == ("push", bad.url, good.url, 2)
    [push] = notes.of(Push)
    assert (push.error, push.servers) == (None, (bad.url, good.url))


async def test_a_refused_push_is_told_with_its_error(queen_broker: QueenBroker) -> None:
    notes, failures = Notes(), []
    async with Queen(queen_broker.url, hooks=[notes], retry_attempts=0) as queen:
        queen_broker.fail_next(1, operation="push")
        push = queen.queue("q").push([{"data": 1}])
        await push.on_error(lambda items, error: failures.append(error))
    [told] = notes.of(Push)
    assert (told.error, told.results) == (failures[0], None)


async def test_messages_as_json_are_settled_and_told_too(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:
        await queen.queue(queue_name).push([{"data": 1}])
        [message] = await queen.queue(queue_name).group("g").pop()
        await queen.ack(dict(message), True, {"group": "g"})
    assert settled(notes) == [("completed", 1, None)]


async def test_what_a_consumer_gives_back_is_told(server_url: str, queue_name: str) -> None:
    notes = Notes()
    async with Queen(server_url, hooks=[notes]) as queen:

        def handler(_: Message) -> None:
            handle.stop()

        await queen.queue(queue_name).push([{"data": 1}, {"data": 2}])
        handle = queen.queue(queue_name).group("g").batch(2).each().consume(handler).start()
        await handle
    assert [status for status, _, _ in settled(notes)] == ["completed", "retry"]
    assert len(notes.of(Process)) == 1
