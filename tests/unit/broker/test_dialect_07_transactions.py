"""Dialect 0.7: transactions (the rules T1 to T8 of that server)."""

from __future__ import annotations

from typing import Any, Dict, List

from tests.unit.broker.conftest import Api07, payloads


async def commit(api: Api07, *operations: Any) -> Any:
    return await api.call("POST", "/api/v1/transaction", {"operations": operations})


def push(queue: str, *ids: str) -> Dict[str, Any]:
    return {"type": "push", "items": [{"queue": queue, "data": name, "transactionId": name} for name in ids]}


def ack(message: Dict[str, Any], status: str = "completed", **more: Any) -> Dict[str, Any]:
    names = {key: message[key] for key in ("transactionId", "partitionId")}
    return {"type": "ack", **names, "status": status, **more}


def told(answer: Any) -> List[Any]:
    return [result.get("message") or result.get("error") or result.get("count") for result in answer["results"]]


async def test_all_operations_run_after_a_failure_and_nothing_is_kept(api07: Api07) -> None:
    await api07.push("q", 0, 1)
    first, second = await api07.pop07("q")
    lost = {**second, "transactionId": "x"}
    answer = await commit(api07, ack(first), ack(lost), push("new", "a", "b"), ack(second), {"type": "zap"})
    assert (answer["success"], "error" in answer) == (False, False)
    assert told(answer) == ["completed", "not_found", 2, "completed", "Unknown operation type: zap"]
    assert await api07.call("GET", "/api/v1/resources/queues/new") == {"error": "Queue not found"}
    # Both acks were undone: the lease is there, and two are wanted to end it.
    assert await api07.ack07(first) == "completed"
    assert await api07.pop07("q") == []


async def test_a_failure_is_a_dead_letter_at_once_and_leases_are_not_looked_at(api07: Api07) -> None:
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    answer = await commit(api07, ack(message, "failed", error="broken", leaseId="nonsense"))
    assert (answer["success"], told(answer)) == (True, ["failed_dlq"])
    [letter] = (await api07.call("GET", "/api/v1/dlq"))["messages"]
    assert letter["errorMessage"] == "broken"
    assert await api07.pop07("q") == []


async def test_completed_acks_count_and_leave_the_failures_alone(api07: Api07) -> None:
    await api07.configure("q", retryLimit=1)
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    assert await api07.ack07(message, "failed") == "failed_retry"
    [message] = await api07.pop07("q")
    assert told(await commit(api07, ack(message))) == ["completed"]
    await api07.push("q", 1)
    [message] = await api07.pop07("q")
    assert await api07.ack07(message, "failed") == "failed_dlq"


async def test_other_statuses_and_unknown_messages_fail_it_but_not_a_failure_of_one(api07: Api07) -> None:
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    unknown = {**message, "transactionId": "x"}
    assert told(await commit(api07, ack(message, "success"))) == ["not_found"]
    assert (await commit(api07, ack(unknown, "failed")))["success"]
    answer = await commit(api07, {"type": "ack", "transactionId": "t0"})
    assert answer["results"] == [
        {"type": "ack", "success": False, "message": "invalid_request", "error": "partition_id is required"}
    ]


async def test_a_group_must_be_repeated_in_its_acks(api07: Api07) -> None:
    await api07.push("q", 0)
    [message] = await api07.pop07("q", consumerGroup="g")
    assert told(await commit(api07, ack(message))) == ["not_found"]
    assert told(await commit(api07, ack(message, consumerGroup="g"))) == ["completed"]


async def test_a_taken_id_fails_the_whole_with_the_words_of_the_database(api07: Api07) -> None:
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    answer = await commit(api07, push("q", "t0"), ack(message), push("q", "new"))
    assert answer["success"] is False
    assert "transaction is aborted" in answer["error"]
    pushed, acked, later = answer["results"]
    assert "duplicate key" in pushed["results"][0]["error"]
    assert (acked["message"], "aborted" in acked["error"]) == ("not_found", True)
    assert later["results"] == [{"status": "failed", "transactionId": "new", "error": "Failed to ensure queue exists"}]
    twice = await commit(api07, push("q", "a", "a"))
    assert [item["status"] for item in twice["results"][0]["results"]] == ["queued", "failed"]
    assert (await commit(api07, ack({**message, "partitionId": "bad"})))["error"]
    assert await api07.ack07(message) == "completed"
    assert await api07.pop07("q") == []


async def test_a_field_of_a_wrong_type_ends_it(api07: Api07) -> None:
    answer = await commit(api07, push("q", "a"), {"type": "ack", "consumerGroup": None}, push("q", "b"))
    assert answer["success"] is False
    assert answer["error"] == "[json.exception.type_error.302] type must be string, but is null"
    assert told(answer) == [1]
    answer = await commit(api07, 5)
    assert answer["error"] == "[json.exception.type_error.306] cannot use value() with number"
    assert await api07.pop07("q") == []


async def test_pushes_make_plain_queues_and_trace_ids_without_looking_at_room(api07: Api07) -> None:
    await api07.configure("q", maxSize=1)
    await commit(api07, push("a.b", "x"), push("q", "x", "y"))
    assert payloads(await api07.pop07("q")) == ["x", "y"]
    [message] = await api07.pop07("a.b")
    assert message["traceId"] is not None
    detail = await api07.call("GET", "/api/v1/resources/queues/a.b")
    assert (detail["namespace"], detail["task"]) == ("", "")


async def test_a_pop_is_no_part_of_it(api07: Api07) -> None:
    await api07.push("q", 0)
    pop = {"type": "pop", "queue": "q"}
    answer = await commit(api07, push("q", "a"), {**pop, "batch": 9}, {"type": "zap"})
    assert answer["success"] is False
    assert [message["payload"] for message in answer["results"][1]["messages"]] == [0]
    # It was not rolled back.
    assert await api07.pop07("q") == []
    empty = (await commit(api07, {**pop, "consumerGroup": "g", "batch": 0}))["results"][0]
    assert (empty["messages"], "leaseId" in empty) == ([], True)
    assert (await commit(api07, {"type": "pop", "queue": "none"}))["results"] == [{"type": "pop", "messages": []}]


async def test_a_pop_finds_nothing_on_a_partition_that_an_ack_before_has_touched(api07: Api07) -> None:
    await api07.push("q", 0, 1)
    [message] = await api07.pop07("q", batch=1)
    answer = await commit(api07, ack(message), {"type": "pop", "queue": "q"})
    assert (answer["success"], answer["results"][1]) == (True, {"type": "pop", "messages": []})
    assert payloads(await api07.pop07("q")) == [1]
