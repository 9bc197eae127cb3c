"""Transactions: everything happens, or nothing."""

from __future__ import annotations

import asyncio
from typing import Any, List

import pytest

from queen import Message, OutcomeUnknownError, Queen, TransactionError
from tests.scripted_server import Answer, Drop, Hang, Scripted, ScriptedServer, answers

COMMITTED = {"success": True, "transactionId": "x", "results": []}


async def popped(queen: Queen, queue: str, count: int, group: str = "workers") -> List[Message]:
    await queen.queue(queue).push([{"data": n, "transactionId": f"t{n}"} for n in range(count)])
    return await queen.queue(queue).group(group).batch(count).pop()


async def test_an_ack_and_a_push_happen_together(queen: Queen, queue_name: str) -> None:
    [message] = await popped(queen, queue_name, 1)
    target = queue_name + "-out"
    result = await queen.transaction().ack(message).queue(target).partition("p").push([{"data": "done"}]).commit()
    assert result["success"]
    assert await queen.queue(queue_name).group("workers").pop() == []
    [output] = await queen.queue(target).partition("p").pop()
    assert output.data == "done"


async def test_a_transaction_that_fails_leaves_nothing_behind(queen: Queen, queue_name: str) -> None:
    [message] = await popped(queen, queue_name, 1)
    target = queue_name + "-out"
    await queen.queue(target).create()
    await queen.queue(target).push([{"data": "first", "transactionId": "taken"}])
    transaction = queen.transaction().ack(message).queue(target).push({"data": "other"})
    with pytest.raises(TransactionError) as raised:
        await transaction.queue(target).push([{"data": "again", "transactionId": "taken"}]).commit()
    assert raised.value.words
    assert [letter.data for letter in await queen.queue(target).batch(9).pop()] == ["first"]
    assert (await message.ack())["success"]


@pytest.mark.dialects("embedded", "0.15")
async def test_a_lease_that_is_over_fails_the_transaction(queen: Queen, queue_name: str) -> None:
    [message] = await popped(queen, queue_name, 1)
    assert (await queen.ack(dict(message), True))["success"]
    with pytest.raises(TransactionError, match="lease"):
        await queen.transaction().ack(message).queue(queue_name + "-out").push([{"data": 1}]).commit()
    assert await queen.queue(queue_name + "-out").pop() == []


async def test_acks_are_sent_in_the_order_of_the_batch(queen: Queen, queue_name: str) -> None:
    messages = await popped(queen, queue_name, 3)
    transaction = queen.transaction()
    for message in reversed(messages):
        transaction.ack(message)
    await transaction.commit()
    assert await queen.queue(queue_name).group("workers").batch(9).pop() == []


async def test_a_message_settled_by_a_transaction_is_not_settled_again(queen: Queen, queue_name: str) -> None:
    first, second = await popped(queen, queue_name, 2)
    await queen.transaction().ack(first).commit()
    assert (await first.ack())["success"]
    assert (await second.ack())["success"]
    assert await queen.queue(queue_name).group("workers").pop() == []


async def test_a_dead_letter_can_be_part_of_a_transaction(queen: Queen, queue_name: str) -> None:
    [message] = await popped(queen, queue_name, 1)
    await queen.transaction().ack(message, "dlq", {"error": "unusable"}).commit()
    letters = await queen.queue(queue_name).dlq("workers").get()
    assert [letter["errorMessage"] for letter in letters["messages"]] == ["unusable"]


@pytest.mark.parametrize("status", [False, "retry"])
async def test_a_counted_failure_cannot_be_part_of_a_transaction(status: Any) -> None:
    message = Message({"transactionId": "t", "partitionId": "p"})
    with pytest.raises(ValueError, match="cannot be part of a transaction"):
        Queen("http://127.0.0.1:1").transaction().ack(message, status)


async def test_an_empty_transaction_and_one_committed_twice_are_refused(queen: Queen, queue_name: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        await queen.transaction().commit()
    transaction = queen.transaction().queue(queue_name).push([{"data": 1}])
    await transaction.commit()
    with pytest.raises(RuntimeError, match="committed before"):
        await transaction.commit()


async def test_every_push_carries_an_id_and_every_ack_its_lease_and_group() -> None:
    message = {"transactionId": "t", "partitionId": "p", "leaseId": "l", "consumerGroup": "g"}
    async with ScriptedServer(lambda _: answers(COMMITTED)) as server, Queen(server.url) as queen:
        await queen.transaction().ack(message).queue("q").push([{"data": 1}]).commit()
    body: Any = server.received[0].json
    push, ack = body["operations"]
    assert push["items"][0]["transactionId"]
    assert (ack["leaseId"], ack["consumerGroup"], ack["status"]) == ("l", "g", "completed")


async def test_a_committed_transaction_whose_answer_was_lost_is_not_reported_as_failed() -> None:
    repeated = {"success": False, "transactionId": "x", "error": "ERROR:  duplicate key value", "results": []}
    script: List[Answer] = [Drop(), answers(repeated)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        result = await queen.transaction().queue("q").push([{"data": 1}]).commit()
    assert result["success"]
    assert server.received[0].body == server.received[1].body


async def test_without_an_id_of_its_own_the_client_cannot_tell_and_says_so() -> None:
    message = {"transactionId": "t", "partitionId": "p", "leaseId": "l"}
    async with ScriptedServer(lambda _: Drop()) as server, Queen(server.url) as queen:
        with pytest.raises(OutcomeUnknownError):
            await queen.transaction().ack(message).commit()
        with pytest.raises(OutcomeUnknownError):
            await queen.transaction().queue("q").push([{"data": 1, "transactionId": "mine"}]).commit()
    assert len(server.received) == 2


async def test_items_of_a_push_may_come_from_a_generator(queen: Queen, queue_name: str) -> None:
    await queen.transaction().queue(queue_name).push({"data": n} for n in range(3)).commit()
    assert [message.data for message in await queen.queue(queue_name).batch(9).pop()] == [0, 1, 2]


async def test_a_repeat_that_is_refused_for_another_reason_is_not_taken_for_committed() -> None:
    refused = {"success": False, "transactionId": "x", "error": "could not serialize access", "results": []}
    script: List[Answer] = [Drop(), answers(refused)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        with pytest.raises(OutcomeUnknownError, match="could not serialize access"):
            await queen.transaction().queue("q").push([{"data": 1}]).commit()


async def test_a_transaction_in_doubt_can_be_committed_again_and_then_tells_the_truth() -> None:
    repeated = {"success": False, "transactionId": "x", "error": "ERROR:  duplicate key value", "results": []}
    script: List[Answer] = [Drop(), Drop(), answers(repeated)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        transaction = queen.transaction().queue("q").push([{"data": 1}])
        with pytest.raises(OutcomeUnknownError):
            await transaction.commit()
        assert (await transaction.commit())["success"]


async def test_a_transaction_in_doubt_stays_in_doubt_when_it_cannot_be_sent_again() -> None:
    popped_one = {"success": True, "queue": "q", "partition": "p", "partitionId": "p", "leaseId": "l"}
    message = {
        "id": "m", "transactionId": "t", "partitionId": "p", "leaseId": "l", "queue": "q", "partition": "p", "data": 1,
        "createdAt": "2026-01-31T10:20:30Z",
    }  # fmt: skip
    script: List[Answer] = [
        answers({**popped_one, "messages": [message]}),
        answers({"status": "healthy", "server": "libqueen"}),
        Drop(),
        Drop(),
        # The server is back, and perhaps another one: it is to be asked what it is.
        answers([{"status": "queued", "transaction_id": "t"}]),
        Scripted(b"", 429),
    ]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url, retry_attempts=0) as queen:
        [leased] = await queen.queue("q").pop()
        transaction = queen.transaction().ack(leased).queue("q").push([{"data": 1}])
        with pytest.raises(OutcomeUnknownError):
            await transaction.commit()
        await queen.queue("q").push([{"data": 1, "transactionId": "t"}])
        with pytest.raises(OutcomeUnknownError, match="429") as raised:
            await transaction.commit()
    assert raised.value.maybe_delivered
    assert [received.target for received in server.received][-1] == "/health"


async def test_a_transaction_that_was_cancelled_is_in_doubt() -> None:
    repeated = {"success": False, "transactionId": "x", "error": "ERROR:  duplicate key value", "results": []}
    script: List[Answer] = [Hang(), answers(repeated)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        transaction = queen.transaction().queue("q").push([{"data": 1}])
        committing = asyncio.ensure_future(transaction.commit())
        await server.arrived.wait()
        committing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await committing
        assert (await transaction.commit())["success"]


async def test_a_proxys_502_is_a_lost_answer_of_a_commit() -> None:
    script: List[Answer] = [Scripted(b"<html>bad gateway</html>", 502), answers(COMMITTED)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        assert (await queen.transaction().queue("q").push([{"data": 1}]).commit())["success"]
    assert server.received[0].body == server.received[1].body


async def test_an_ack_past_a_message_that_is_not_settled_is_refused_before_anything_is_sent(
    queen: Queen, queue_name: str
) -> None:
    first, second, third = await popped(queen, queue_name, 3)
    with pytest.raises(ValueError, match="'t0' comes before"):
        await queen.transaction().ack(third).commit()
    await queen.transaction().ack([third, first, second]).commit()
    assert await queen.queue(queue_name).group("workers").pop() == []


async def test_acks_that_waited_for_a_message_of_the_transaction_are_sent(queen: Queen, queue_name: str) -> None:
    first, second = await popped(queen, queue_name, 2)
    assert (await second.ack())["pending"]
    await queen.transaction().ack(first).commit()
    assert "pending" not in await second.ack()
    assert await queen.queue(queue_name).group("workers").pop() == []


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda transaction: transaction.ack(None), TypeError, "messages=None"),
        (lambda transaction: transaction.ack("abc"), TypeError, "messages='abc' is a str"),
        (lambda transaction: transaction.ack({"transactionId": "t"}), ValueError, "no 'partitionId'"),
        (lambda transaction: transaction.ack({}, "dlq", "why"), TypeError, "context='why'"),
        (lambda transaction: transaction.ack({}, "dlq", {"eror": "why"}), ValueError, "did you mean 'error'"),
    ],
)
async def test_wrong_acks_are_refused_when_they_are_said(build: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as raised:
        build(Queen("http://127.0.0.1:1").transaction())
    assert words in str(raised.value)


async def test_after_the_commit_nothing_more_can_be_said(queen: Queen, queue_name: str) -> None:
    transaction = queen.transaction().queue(queue_name).push([{"data": 1}])
    await transaction.commit()
    with pytest.raises(RuntimeError, match="committed before"):
        transaction.queue(queue_name).push([{"data": 2}])
    with pytest.raises(RuntimeError, match="committed before"):
        transaction.ack({"transactionId": "t", "partitionId": "p"})
