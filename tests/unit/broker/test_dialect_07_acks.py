"""Dialect 0.7: acks, retries and dead letters (the rules A1 to A12 of that server)."""

from __future__ import annotations

from typing import Any

import pytest

from queen.broker import ManualClock
from tests.unit.broker.conftest import Api07, payloads

UNKNOWN = "00000000-1111-4222-8333-444444444444"


async def test_a_single_failure_that_is_not_the_last_of_its_batch_is_a_dead_letter_at_once(api07: Api07) -> None:
    await api07.push("q", 0, 1, 2)
    first, second, third = await api07.pop07("q")
    assert await api07.ack07(second, "failed", error="broken") == "failed_dlq"
    [letter] = (await api07.call("GET", "/api/v1/dlq", queue="q"))["messages"]
    assert (letter["data"], letter["errorMessage"], letter["retryCount"]) == ("1.000000", "broken", 0)
    # The lease stays, and the cursor is behind the dead letter.
    assert await api07.pop07("q") == []
    assert [await api07.ack07(third), await api07.ack07(first)] == ["completed", "completed"]
    assert payloads(await api07.pop07("q")) == [1, 2]


async def test_the_last_of_a_batch_is_retried_and_then_dead_lettered(api07: Api07) -> None:
    await api07.configure("q", retryLimit=2)
    await api07.push("q", "poison")
    outcomes = []
    for _ in range(3):
        [message] = await api07.pop07("q")
        outcomes.append(await api07.ack07(message, "failed"))
    assert outcomes == ["failed_retry", "failed_retry", "failed_dlq"]
    assert await api07.pop07("q") == []
    [letter] = (await api07.call("GET", "/api/v1/dlq"))["messages"]
    assert (letter["errorMessage"], letter["consumerGroup"]) == ("Message processing failed", "__QUEUE_MODE__")


async def test_without_retries_the_first_failure_is_a_dead_letter(api07: Api07) -> None:
    await api07.configure("q", retryLimit=0)
    await api07.push("q", "poison")
    [message] = await api07.pop07("q")
    assert await api07.ack07(message, "failed") == "failed_dlq"


async def test_a_retry_brings_back_what_is_behind_the_cursor(api07: Api07) -> None:
    await api07.push("q", 0, 1)
    first, second = await api07.pop07("q")
    await api07.ack07(first)
    assert await api07.ack07(second, "failed") == "failed_retry"
    assert payloads(await api07.pop07("q")) == [1]


async def test_failures_survive_an_expired_lease_and_a_completed_ack(api07: Api07, clock: ManualClock) -> None:
    await api07.configure("q", retryLimit=1, leaseTime=10)
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    assert await api07.ack07(message, "failed") == "failed_retry"
    await api07.pop07("q")
    clock.advance(11)
    [message] = await api07.pop07("q")
    await api07.ack07(message)
    await api07.push("q", 1)
    [message] = await api07.pop07("q")
    assert await api07.ack07(message, "failed") == "failed_dlq"
    # The dead letter has reset them.
    await api07.push("q", 2)
    [message] = await api07.pop07("q")
    assert await api07.ack07(message, "failed") == "failed_retry"


async def test_a_group_dead_letters_a_message_once(api07: Api07) -> None:
    await api07.push("q", 0, 1, 2)
    first, _, _ = await api07.pop07("q")
    assert [await api07.ack07(first, "failed"), await api07.ack07(first, "failed")] == ["failed_dlq", "failed_dlq"]
    assert len(await api07.dead_letters07("q")) == 1


async def test_any_groups_live_lease_on_the_partition_passes(api07: Api07, clock: ManualClock) -> None:
    await api07.configure("q", leaseTime=10)
    await api07.push("q", 0)
    [own] = await api07.pop07("q")
    [other] = await api07.pop07("q", consumerGroup="g")
    refused = "Failed to acknowledge message: invalid_lease"
    assert await api07.ack07(own, leaseId="") == refused
    assert await api07.ack07(own, leaseId=other["leaseId"]) == "completed"
    clock.advance(10)
    assert await api07.ack07(other) == refused
    assert await api07.ack07(other, leaseId=None) == "completed"


async def test_an_unknown_message_fails_without_a_trace(api07: Api07) -> None:
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    refused = "Failed to acknowledge message: not_found"
    assert await api07.ack07(message, transactionId="x") == refused
    assert await api07.ack07(message, "failed", transactionId="x") == "failed_dlq"
    assert await api07.ack07(message, "failed", partitionId=UNKNOWN, leaseId=None) == "failed_dlq"
    assert await api07.ack07(message, partitionId="bad") == refused
    assert await api07.ack07(message, partitionId="") == "Failed to acknowledge message: invalid_request"
    assert await api07.dead_letters07("q") == []
    assert await api07.ack07(message) == "completed"


async def test_a_group_without_a_cursor_may_fail_a_message(api07: Api07) -> None:
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    assert await api07.ack07(message, "failed", consumerGroup="g") == "failed_dlq"
    assert len(await api07.dead_letters07("q", consumerGroup="g")) == 1
    # It has no cursor still, and reads from the beginning.
    assert payloads(await api07.pop07("q", consumerGroup="g")) == [0]


async def test_a_batch_that_failed_as_a_whole_comes_again_and_then_is_dead_lettered(api07: Api07) -> None:
    await api07.configure("q", retryLimit=1)
    await api07.push("q", 0, 1)
    assert await api07.ack_batch07(await api07.pop07("q"), "failed", "failed") == ["failed_retry"] * 2
    again = await api07.pop07("q")
    assert payloads(again) == [0, 1]
    assert await api07.ack_batch07(again, "failed", "failed") == ["failed_dlq"] * 2
    letters = (await api07.call("GET", "/api/v1/dlq"))["messages"]
    # Those of one call come in the order of its acks.
    assert [(letter["transactionId"], letter["errorMessage"]) for letter in letters] == [
        ("t0", "Batch retry limit exceeded"),
        ("t1", "Batch retry limit exceeded"),
    ]
    assert await api07.pop07("q") == []


async def test_a_mixed_batch_loses_its_retries_and_passes_what_it_does_not_name(api07: Api07) -> None:
    await api07.configure("q", retryLimit=1)
    await api07.push("q", 0, 1, 2, 3)
    popped = await api07.pop07("q")
    assert await api07.ack_batch07([popped[2], popped[0]], "completed", "failed") == ["completed", "failed_dlq"]
    # Two of four are counted: the lease goes on, the cursor is behind the third.
    assert await api07.pop07("q") == []
    assert await api07.ack_batch07([popped[2], popped[2]], "completed", "completed") == ["completed"] * 2
    assert payloads(await api07.pop07("q")) == [3]
    [letter] = (await api07.call("GET", "/api/v1/dlq"))["messages"]
    assert (letter["transactionId"], letter["errorMessage"]) == ("t0", "Unknown error")


async def test_a_batch_ack_resets_the_failures(api07: Api07) -> None:
    await api07.configure("q", retryLimit=1)
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    await api07.ack07(message, "failed")
    assert await api07.ack_batch07(await api07.pop07("q"), "completed") == ["completed"]
    await api07.push("q", 1)
    [message] = await api07.pop07("q")
    assert await api07.ack07(message, "failed") == "failed_retry"


async def test_one_failure_of_a_larger_batch_is_a_dead_letter_and_the_lease_stays(api07: Api07) -> None:
    await api07.push("q", 0, 1)
    first, second = await api07.pop07("q")
    assert await api07.ack_batch07([first], "failed") == ["failed_dlq"]
    assert await api07.pop07("q") == []
    assert await api07.ack07(second) == "completed"
    assert await api07.pop07("q") == []


async def test_only_the_first_acks_partition_counts(api07: Api07) -> None:
    await api07.push("q", 0, partition="a")
    await api07.push("q", 1, partition="b")
    first, second = await api07.pop07("q", "a"), await api07.pop07("q", "b")
    assert await api07.ack_batch07([*first, *second], "completed", "completed") == ["completed"] * 2
    assert await api07.ack07(second[0]) == "completed"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"partitionId": UNKNOWN}, "Cannot find batch size for partition"),
        ({"transactionId": "x"}, "No messages found for acknowledgment"),
        ({"transactionId": "x", "status": "failed"}, "Cannot find queue retry limit"),
        ({"partitionId": "bad"}, "invalid input syntax for type uuid"),
        ({"status": None}, "type must be string, but is null"),
        ({"error": 5}, "type must be string, but is number"),
    ],
)
async def test_a_batch_fails_as_a_whole(api07: Api07, changed: Any, error: str) -> None:
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    ack = {"transactionId": message["transactionId"], "partitionId": message["partitionId"], **changed}
    answer = await api07.call("POST", "/api/v1/ack/batch", {"acknowledgments": [ack]})
    [result] = answer["results"]
    assert (answer["successful"], answer["failed"], result["message"]) == (0, 1, "batch_failed")
    assert error in result["error"]
    assert await api07.ack07(message) == "completed"


async def test_a_cursor_follows_the_last_ack_backwards_too(api07: Api07) -> None:
    await api07.push("q", 0, 1, 2)
    popped = await api07.pop07("q")
    for place in (2, 0, 0):
        assert await api07.ack07(popped[place]) == "completed"
    assert payloads(await api07.pop07("q")) == [1, 2]


async def test_a_dead_letter_belongs_to_one_group(api07: Api07) -> None:
    await api07.push("q", 0)
    for _ in range(4):
        [message] = await api07.pop07("q")
        await api07.ack07(message, "failed")
    assert len(await api07.dead_letters07("q")) == 1
    [message] = await api07.pop07("q", consumerGroup="g")
    await api07.call("DELETE", f"/api/v1/messages/{message['partitionId']}/{message['transactionId']}")
    assert await api07.dead_letters07("q") == []


async def test_a_renewal_is_echoed_and_never_shortens(api07: Api07, clock: ManualClock) -> None:
    await api07.configure("q", leaseTime=10)
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    path = f"/api/v1/lease/{message['leaseId']}/extend"
    for seconds, shown in ((30, 30), (-5, -5), (1.9, 1), (True, 1)):
        answer = await api07.call("POST", path, {"seconds": seconds})
        assert answer == {"extended": True, "leaseId": message["leaseId"], "seconds": shown}
    assert (await api07.call("POST", path, {}))["seconds"] == 60
    wrong = await api07.call("POST", path, {"seconds": "1"})
    assert wrong == {"error": "[json.exception.type_error.302] type must be number, but is string"}
    wrong = await api07.call("POST", path, [])
    assert wrong == {"error": "[json.exception.type_error.306] cannot use value() with array"}
    clock.advance(60)
    assert await api07.call("POST", path, {}) == {"error": "Lease not found or expired"}
