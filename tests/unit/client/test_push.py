"""Pushing through the fluent layer."""

from __future__ import annotations

import uuid
from typing import Any, List

import pytest

from queen import PushRejectedError, Queen, QueenError
from tests.scripted_server import Answer, Drop, ScriptedServer, answers


async def test_results_come_in_the_order_of_the_items(queen: Queen, queue_name: str) -> None:
    results = await queen.queue(queue_name).push([{"data": n, "transactionId": f"t{n}"} for n in range(5)])
    assert [result["transaction_id"] for result in results] == ["t0", "t1", "t2", "t3", "t4"]
    assert {result["status"] for result in results} == {"queued"}


async def test_a_single_item_needs_no_list(queen: Queen, queue_name: str) -> None:
    [result] = await queen.queue(queue_name).push({"data": {"one": 1}})
    assert result["status"] == "queued"


async def test_no_items_send_nothing() -> None:
    async with ScriptedServer(lambda _: answers([])) as server, Queen(server.url) as queen:
        assert await queen.queue("q").push([]) == []
    assert server.received == []


async def test_an_id_that_is_taken_is_a_duplicate_with_the_id_of_the_message_there(
    queen: Queen, queue_name: str
) -> None:
    [first] = await queen.queue(queue_name).push([{"data": 1, "transactionId": "order-1"}])
    [again] = await queen.queue(queue_name).push([{"data": 2, "transactionId": "order-1"}])
    assert (again["status"], again["message_id"]) == ("duplicate", first["message_id"])
    [elsewhere] = await queen.queue(queue_name).partition("other").push([{"data": 3, "transactionId": "order-1"}])
    assert elsewhere["status"] == "queued"


async def test_an_id_twice_in_one_push_goes_over_the_wire_once(queen: Queen, queue_name: str) -> None:
    items = [{"data": 1, "transactionId": "a"}, {"data": 2, "transactionId": "a"}, {"data": 3, "transactionId": "b"}]
    results = await queen.queue(queue_name).push(items)
    assert [result["status"] for result in results] == ["queued", "duplicate", "queued"]
    assert results[1]["message_id"] == results[0]["message_id"]
    assert [message.data for message in await queen.queue(queue_name).batch(9).pop()] == [1, 3]


async def test_a_made_up_id_is_a_uuid_that_sorts_by_time(queen: Queen, queue_name: str) -> None:
    results = await queen.queue(queue_name).push([{"data": n} for n in range(3)])
    identifiers = [uuid.UUID(result["transaction_id"]) for result in results]
    assert {identifier.version for identifier in identifiers} == {7}
    assert len(set(identifiers)) == 3


@pytest.mark.parametrize(
    ("item", "error", "words"),
    [
        ({"transactionId": "t"}, ValueError, "items[0] has no key 'data'"),
        ({"dta": 1}, ValueError, "unknown key 'dta'; did you mean 'data'"),
        ({"data": 1, "transactionId": ""}, ValueError, "items[0]['transactionId'] is empty"),
        ({"data": 1, "transactionId": "x" * 256}, ValueError, "256 characters"),
        ({"data": 1, "transactionId": 7}, TypeError, "items[0]['transactionId']=7 is a int"),
        ({"data": 1, "transactionId": "a\0"}, ValueError, "U+0000"),
        ({"data": 1, "traceId": "not-a-uuid"}, ValueError, "is not a UUID"),
        ("text", TypeError, "items[0]='text' is a str"),
    ],
)
async def test_a_wrong_item_is_refused_before_anything_is_sent(item: Any, error: Any, words: str) -> None:
    async with ScriptedServer(lambda _: answers([])) as server, Queen(server.url) as queen:
        with pytest.raises(error) as raised:
            queen.queue("q").push([item])
    assert words in str(raised.value)
    assert server.received == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "é", "a?b", "a#b", "x" * 256, "a\n"])
def test_a_queue_name_that_no_path_can_hold_is_refused(name: str) -> None:
    queen = Queen("http://127.0.0.1:1")
    with pytest.raises(ValueError, match="queue"):
        queen.queue(name)


async def test_a_refused_item_raises_with_every_result_and_what_was_not_sent() -> None:
    refused = [
        {"status": "queued", "transaction_id": "a", "message_id": "m"},
        {"status": "failed", "transaction_id": "b", "error": "Queue 'q' would exceed max capacity (1)."},
    ]
    async with ScriptedServer(lambda _: answers(refused)) as server, Queen(server.url) as queen:
        with pytest.raises(PushRejectedError) as raised:
            await queen.queue("q").push([{"data": 1, "transactionId": "a"}, {"data": 2, "transactionId": "b"}])
    assert raised.value.unsent == [{"data": 2, "transactionId": "b"}]
    assert [result["status"] for result in raised.value.results] == ["queued", "failed"]
    assert "max capacity" in str(raised.value)


async def test_callbacks_are_told_of_success_and_duplicates(queen: Queen, queue_name: str) -> None:
    told: List[Any] = []

    async def on_success(items: Any) -> None:
        told.append(("success", [item["transactionId"] for item in items]))

    def on_duplicate(items: Any, error: Exception) -> None:
        told.append(("duplicate", [item["transactionId"] for item in items], str(error)))

    push = queen.queue(queue_name).push([{"data": 1, "transactionId": "a"}])
    await push.on_success(on_success).on_duplicate(on_duplicate)
    again = queen.queue(queue_name).push([{"data": 1, "transactionId": "a"}])
    await again.on_success(on_success).on_duplicate(on_duplicate)
    assert told[0] == ("success", ["a"])
    assert told[1][:2] == ("duplicate", ["a"])
    assert "taken: a" in told[1][2]
    assert len(told) == 2


async def test_on_error_takes_the_error_instead_of_raising_it() -> None:
    told: List[Any] = []
    async with ScriptedServer(lambda _: Drop()) as server, Queen(server.url, retry_attempts=0) as queen:
        push = queen.queue("q").push([{"data": 1, "transactionId": "a"}])
        results = await push.on_error(lambda items, error: told.append((items, error)))
    [(items, error)] = told
    assert isinstance(error, QueenError)
    assert [item["transactionId"] for item in items] == ["a"]
    assert results == [{"status": "failed", "transaction_id": "a"}]


async def test_a_push_of_a_partition_keeps_its_order(queen: Queen, queue_name: str) -> None:
    for start in range(0, 30, 10):
        items = [{"data": n} for n in range(start, start + 10)]
        await queen.queue(queue_name).partition("p").push(items)
    popped = await queen.queue(queue_name).partition("p").batch(100).pop()
    assert [message.data for message in popped] == list(range(30))


async def test_a_buffered_item_counts_as_accepted(caplog: pytest.LogCaptureFixture) -> None:
    script: List[Answer] = [answers([{"status": "buffered", "queue": "q"}])]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        [result] = await queen.queue("q").push([{"data": 1, "transactionId": "t"}])
    assert (result["status"], result["transaction_id"]) == ("buffered", "t")
    assert any("buffered" in record.getMessage() and record.levelname == "WARNING" for record in caplog.records)


async def test_every_error_of_a_push_carries_what_was_not_sent() -> None:
    async with ScriptedServer(lambda _: Drop()) as server, Queen(server.url, retry_attempts=0) as queen:
        with pytest.raises(QueenError) as raised:
            await queen.queue("q").push([{"data": 1, "transactionId": "a"}])
    assert raised.value.unsent == [{"data": 1, "transactionId": "a"}]


async def test_on_error_is_told_of_the_refused_items_only() -> None:
    refused = [
        {"status": "queued", "transaction_id": "a", "message_id": "m"},
        {"status": "failed", "transaction_id": "b", "error": "full"},
    ]
    told: List[Any] = []
    async with ScriptedServer(lambda _: answers(refused)) as server, Queen(server.url) as queen:
        push = queen.queue("q").push([{"data": 1, "transactionId": "a"}, {"data": 2, "transactionId": "b"}])
        results = await push.on_error(lambda items, error: told.extend(item["transactionId"] for item in items))
    assert told == ["b"]
    assert [result["status"] for result in results] == ["queued", "failed"]


@pytest.mark.parametrize("name", ["on_success", "on_error", "on_duplicate"])
async def test_what_cannot_be_called_back_is_refused_before_anything_is_sent(name: str) -> None:
    push = Queen("http://127.0.0.1:1").queue("q").push([{"data": 1}])
    with pytest.raises(TypeError, match=f"{name}=.*accepted is a function"):
        getattr(push, name)(lambda: None)
    push.close()


async def test_an_item_that_was_handed_back_goes_only_where_it_belongs(queen: Queen, queue_name: str) -> None:
    item = {"data": 1, "transactionId": "t", "queue": queue_name, "partition": "p"}
    [result] = await queen.queue(queue_name).partition("p").push([item])
    assert result["status"] == "queued"
    with pytest.raises(ValueError, match="belongs to the partition 'p', and is pushed to 'Default'"):
        queen.queue(queue_name).push([item])
    with pytest.raises(ValueError, match="belongs to the queue"):
        queen.queue("other").partition("p").push([item])
