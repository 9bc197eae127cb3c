"""Acks, nacks and renewals: nothing is lost, whatever the order."""

from __future__ import annotations

from typing import Any, List

import pytest

from queen import ConnectionFailedError, Message, ProtocolError, Queen
from tests.scripted_server import Answer, Drop, Received, Scripted, ScriptedServer, answers

COMPLETED = {"index": 0, "transactionId": "t0", "success": True, "error": None, "queueName": "q", "partitionName": "p"}
ACKED = [{**COMPLETED, "leaseReleased": True, "dlq": False}]
REFUSED = [{**COMPLETED, "success": False, "error": "Invalid or expired lease", "leaseReleased": False, "dlq": False}]


async def batch_of(queen: Queen, queue: str, count: int, **config: object) -> List[Message]:
    await queen.queue(queue).config({"leaseTime": 60, "retryLimit": 3, **config}).create()
    await queen.queue(queue).push([{"data": n, "transactionId": f"t{n}"} for n in range(count)])
    return await queen.queue(queue).batch(count).pop()


async def left_over(queen: Queen, queue: str) -> List[int]:
    return [message.data for message in await queen.queue(queue).batch(100).pop()]


async def test_acks_out_of_order_wait_for_those_before_them(queen: Queen, queue_name: str) -> None:
    first, second, third = await batch_of(queen, queue_name, 3)
    assert await third.ack() == {
        "success": True, "error": None, "transactionId": "t2", "dlq": False, "pending": True,
    }  # fmt: skip
    assert (await second.ack())["pending"]
    result = await first.ack()
    assert (result["success"], "pending" in result) == (True, False)
    assert await left_over(queen, queue_name) == []


async def test_a_nack_in_the_middle_brings_back_it_and_what_follows(queen: Queen, queue_name: str) -> None:
    messages = await batch_of(queen, queue_name, 3)
    assert (await messages[0].ack())["success"]
    nacked = await messages[1].nack("not now")
    assert (nacked["success"], nacked["dlq"]) == (True, False)
    refused = await messages[2].ack()
    assert not refused["success"]
    assert "comes again" in str(refused["error"])
    assert await left_over(queen, queue_name) == [1, 2]


@pytest.mark.dialects("embedded", "0.15")
async def test_a_nack_before_its_turn_waits_so_that_no_message_is_skipped(queen: Queen, queue_name: str) -> None:
    # At the retry limit the server moves the cursor to the failed message, past all before it.
    messages = await batch_of(queen, queue_name, 3, retryLimit=0)
    assert (await messages[1].nack("poison"))["pending"]
    assert [letter["data"] for letter in (await queen.queue(queue_name).dlq().get())["messages"]] == []
    assert (await messages[0].ack())["success"]
    assert (await messages[2].ack())["success"]
    assert [letter["data"] for letter in (await queen.queue(queue_name).dlq().get())["messages"]] == [1]
    assert await left_over(queen, queue_name) == []


async def test_mixed_results_of_a_batch_lose_nothing(queen: Queen, queue_name: str) -> None:
    messages = await batch_of(queen, queue_name, 4)
    for message in messages:
        message["_status"] = message.data != 1
        if message.data == 1:
            message["_error"] = "the second is bad"
    results = await queen.ack(messages)
    assert [result["transactionId"] for result in results] == ["t0", "t1", "t2", "t3"]
    assert [result["success"] for result in results] == [True, True, False, False]
    assert await left_over(queen, queue_name) == [1, 2, 3]


async def test_messages_without_a_mark_are_left_alone(queen: Queen, queue_name: str) -> None:
    messages = await batch_of(queen, queue_name, 2)
    messages[0]["_status"] = True
    results = await queen.ack(messages)
    assert [result["success"] for result in results] == [True, False]
    assert "left alone" in str(results[1]["error"])
    assert (await queen.ack(messages[1]))["success"]


async def test_a_list_with_a_status_settles_all(queen: Queen, queue_name: str) -> None:
    messages = await batch_of(queen, queue_name, 5)
    assert all(result["success"] for result in await queen.ack(messages, True))
    assert await left_over(queen, queue_name) == []


async def test_a_failure_is_retried_until_the_limit_and_then_a_dead_letter(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).config({"retryLimit": 2}).create()
    await queen.queue(queue_name).push([{"data": "poison"}])
    outcomes = []
    for _ in range(3):
        [message] = await queen.queue(queue_name).pop()
        outcomes.append((await queen.ack(message, False, {"error": "bad"}))["dlq"])
    assert outcomes == [False, False, True]
    letters = await queen.queue(queue_name).dlq().get()
    assert letters["total"] == 1
    assert (letters["messages"][0]["data"], letters["messages"][0]["errorMessage"]) == ("poison", "bad")
    assert letters["messages"][0]["dlqTimestamp"]


@pytest.mark.parametrize("status", ["failed", "dlq"])
async def test_a_dead_letter_at_once(queen: Queen, queue_name: str, status: str) -> None:
    messages = await batch_of(queen, queue_name, 2)
    assert (await queen.ack(messages[0], status, {"error": "never"}))["dlq"]
    assert (await messages[1].ack())["success"]
    assert await left_over(queen, queue_name) == []


@pytest.mark.dialects("embedded", "0.15")
async def test_a_message_given_back_comes_again_uncounted(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).config({"retryLimit": 0}).create()
    await queen.queue(queue_name).push([{"data": 1}])
    for _ in range(3):
        [message] = await queen.queue(queue_name).pop()
        assert not (await queen.ack(message, "retry"))["dlq"]
    assert len(await queen.queue(queue_name).pop()) == 1


async def test_settling_twice_sends_once(queen: Queen, queue_name: str) -> None:
    messages = await batch_of(queen, queue_name, 2)
    assert await messages[0].ack() == await messages[0].ack()
    conflict = await messages[0].nack()
    assert not conflict["success"]
    assert "acknowledged as completed before" in str(conflict["error"])
    assert (await messages[1].ack())["success"]


async def test_an_ack_knows_its_consumer_group(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}])
    [message] = await queen.queue(queue_name).group("g").pop()
    assert (await queen.ack(message, True))["success"]
    assert await queen.queue(queue_name).group("g").pop() == []
    assert len(await queen.queue(queue_name).pop()) == 1


async def test_a_lease_that_is_over_is_a_result_and_not_an_error(queen: Queen, queue_name: str) -> None:
    [message] = await batch_of(queen, queue_name, 1)
    taken = {**message, "leaseId": "00000000-0000-7000-8000-000000000000"}
    result = await queen.ack(taken, True)
    assert not result["success"]
    assert "lease" in str(result["error"])


async def test_a_lost_answer_of_an_ack_is_repeated_once_and_a_refusal_then_is_uncertain() -> None:
    script: List[Answer] = [Drop(), answers(REFUSED)]
    wire = {"transactionId": "t0", "partitionId": "p", "leaseId": "l"}
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        result = await queen.ack(wire, True)
    assert (result["success"], result["uncertain"]) == (True, True)
    assert len(server.received) == 2


async def test_an_ack_that_fails_is_never_turned_into_a_nack() -> None:
    script: List[Answer] = [Drop(), Drop(), answers(ACKED)]
    wire = {"transactionId": "t0", "partitionId": "p", "leaseId": "l"}
    sent: List[Any] = []

    def answer(received: Received) -> Answer:
        sent.append(received.json)
        return script.pop(0)

    async with ScriptedServer(answer) as server, Queen(server.url, retry_attempts=0) as queen:
        message = Message(wire)
        with pytest.raises(ConnectionFailedError):
            await queen.ack(message, True)
        assert (await queen.ack(message, True))["success"]
    assert [request["status"] for request in sent] == ["completed"] * 3


async def test_server_07_answers_an_ack_with_an_object() -> None:
    script: List[Answer] = [
        answers(
            {
                "transactionId": "t0",
                "status": "completed",
                "consumerGroup": None,
                "acknowledgedAt": "2026-01-31T10:20:30.123Z",
            }
        ),
        answers({"error": "Failed to acknowledge message: invalid_lease"}),
    ]
    wire = {"transactionId": "t0", "partitionId": "p", "leaseId": "l"}
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        assert (await queen.ack(wire, True))["success"]
        refused = await queen.ack(wire, True)
    assert (refused["success"], refused["error"]) == (False, "Failed to acknowledge message: invalid_lease")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (({"transactionId": "t"}, True), "no 'partitionId'"),
        (({"partitionId": "p"}, True), "no 'transactionId'"),
        (({"transactionId": "t", "partitionId": "p"}, "complete"), "did you mean 'completed'"),
        (({"transactionId": "t", "partitionId": "p"}, 1), "status=1 is a int"),
        (({"transactionId": "t", "partitionId": "p"}, False, {"eror": "x"}), "did you mean 'error'"),
        ((["text"], True), "accepted is a popped message"),
        ((None,), "message=None is a NoneType; accepted is a popped message"),
        (("text",), "accepted is a popped message"),
    ],
)
async def test_wrong_arguments_of_an_ack_are_refused_before_anything_is_sent(arguments: Any, words: str) -> None:
    async with Queen("http://127.0.0.1:1") as queen:
        with pytest.raises((TypeError, ValueError)) as raised:
            await queen.ack(*arguments)
    assert words in str(raised.value)


async def test_a_lease_is_renewed_once_for_all_its_messages(queen: Queen, queue_name: str) -> None:
    messages = await batch_of(queen, queue_name, 3)
    results = await queen.renew(messages, 120)
    assert [result["success"] for result in results] == [True, True, True]
    assert len({result["leaseId"] for result in results}) == 1
    assert (await queen.renew(messages[0]["leaseId"]))["success"]
    assert (await messages[0].renew())["success"]


async def test_a_renewal_of_a_lease_that_is_over_is_a_result(queen: Queen, queue_name: str) -> None:
    [message] = await batch_of(queen, queue_name, 1)
    await message.ack()
    result = await queen.renew(message)
    assert not result["success"]
    assert "Lease not found" in str(result["error"])


async def test_a_trace_event_is_recorded_under_its_message(queen: Queen, queue_name: str) -> None:
    from queen_api.api import traces

    messages = await batch_of(queen, queue_name, 2)
    for message in messages:
        event = {"data": {"n": message.data}, "eventType": "step", "traceName": ["a-" + queue_name, "b"]}
        assert (await message["trace"](event))["success"]
    for message in messages:
        request = traces.list_message_traces(partition_id=message.partition_id, transaction_id=message.transaction_id)
        recorded = await queen.send(request)
        assert [trace["data"] for trace in recorded["traces"]] == [{"n": message.data}]


@pytest.mark.parametrize("event", [None, {}, {"data": 1, "typo": 2}, {"data": {1}}, {"data": 1, "traceName": 5}])
async def test_tracing_never_raises(
    queen: Queen, queue_name: str, event: Any, caplog: pytest.LogCaptureFixture
) -> None:
    [message] = await batch_of(queen, queue_name, 1)
    result = await message.trace(event)
    assert not result["success"]
    assert result["error"]
    assert any(record.levelname == "WARNING" for record in caplog.records)


async def test_messages_rebuilt_from_json_are_sent_as_they_are(queen: Queen, queue_name: str) -> None:
    first, second = (dict(message) for message in await batch_of(queen, queue_name, 2))
    second["_status"] = True
    unmarked, acked = await queen.ack([first, second])
    assert (unmarked["success"], acked["success"], "pending" in acked) == (False, True, False)
    twice = await queen.ack([first, first], True)
    assert [("pending" in result, result["success"]) for result in twice] == [(False, True)] * 2


async def test_a_proxys_504_is_a_lost_answer_of_an_ack() -> None:
    script: List[Answer] = [Scripted(b"<html>timeout</html>", 504), answers(ACKED)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url) as queen:
        assert (await queen.ack({"transactionId": "t0", "partitionId": "p", "leaseId": "l"}, True))["success"]
    assert len(server.received) == 2


async def test_an_answer_with_too_few_results_is_an_error_and_not_asked_for_again() -> None:
    async with ScriptedServer(lambda _: answers({"successful": 0, "failed": 0, "results": []})) as server:
        async with Queen(server.url) as queen:
            wires = [{"transactionId": name, "partitionId": "p", "leaseId": "l"} for name in ("t0", "t1")]
            with pytest.raises(ProtocolError, match="0 results for 2 acks"):
                await queen.ack(wires, True)
    assert [received.target for received in server.received] == ["/health", "/api/v1/ack/batch"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((5,), "message_or_lease_id=5"), (("lease", "60"), "seconds='60'"), (("lease", 0), "seconds=0")],
)
async def test_wrong_arguments_of_a_renewal_are_refused_before_anything_is_sent(arguments: Any, words: str) -> None:
    async with Queen("http://127.0.0.1:1") as queen:
        with pytest.raises((TypeError, ValueError)) as raised:
            await queen.renew(*arguments)
    assert words in str(raised.value)


async def test_a_message_checks_its_renewal_too(queen: Queen, queue_name: str) -> None:
    [message] = await batch_of(queen, queue_name, 1)
    with pytest.raises(TypeError, match="seconds='60'"):
        await message.renew("60")  # type: ignore[arg-type]  # what is tested
