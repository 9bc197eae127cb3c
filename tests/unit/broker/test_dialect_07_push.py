"""Dialect 0.7: push, capacity and maintenance (the rules D1 to D5, Q1 and Q2 of that server)."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from tests.unit.broker.conftest import Api07, payloads


def item(queue: str = "q", **fields: Any) -> Dict[str, Any]:
    return {"queue": queue, "payload": 1, **fields}


async def push(api: Api07, *items: Dict[str, Any]) -> List[Dict[str, Any]]:
    answer: List[Dict[str, Any]] = await api.call("POST", "/api/v1/push", {"items": items})
    return answer


def statuses(results: List[Dict[str, Any]]) -> List[str]:
    return [result["status"] for result in results]


async def test_an_id_twice_in_one_group_buffers_the_whole_group_for_good(api07: Api07) -> None:
    twice = item(transactionId="a")
    results = await push(api07, twice, item(transactionId="b"), item(partition="p", transactionId="a"), twice)
    assert statuses(results) == ["buffered", "buffered", "queued", "buffered"]
    assert results[0] == {"status": "buffered", "transaction_id": "a"}
    assert await api07.pop07("q", "Default") == []
    # It is not taken: the group was never stored.
    assert statuses(await push(api07, twice)) == ["queued"]
    # One that is taken is a duplicate each time.
    assert statuses(await push(api07, twice, twice, item())) == ["duplicate", "duplicate", "queued"]


@pytest.mark.parametrize(
    "refused",
    [
        {"traceId": "no-uuid"},
        {"payload": "a\0b"},
        {"transactionId": "t" * 256},
        {"partition": "p" * 256},
    ],
    ids=["trace", "nul", "id", "partition"],
)
async def test_what_the_database_refuses_is_buffered_with_its_group_alone(api07: Api07, refused: Any) -> None:
    other = {"partition": refused["partition"]} if "partition" in refused else {}
    results = await push(api07, item(partition="x"), item(**refused), item(**other))
    assert statuses(results) == ["queued", "buffered", "buffered"]
    assert await api07.pop07("q", "Default") == []


async def test_an_empty_id_is_an_id(api07: Api07) -> None:
    assert (await push(api07, item(transactionId="")))[0]["transaction_id"] == ""
    assert statuses(await push(api07, item(transactionId=""))) == ["duplicate"]
    assert statuses(await push(api07, item("q", partition="p", transactionId=""), item("q", partition="p"))) == [
        "queued",
        "queued",
    ]


async def test_only_the_payload_is_read(api07: Api07) -> None:
    await push(api07, {"queue": "q", "data": 5})
    assert payloads(await api07.pop07("q")) == [None]


async def test_a_full_queue_fails_all_its_items_and_no_others(api07: Api07) -> None:
    await api07.configure("q", maxSize=2)
    await api07.configure("other")
    results = await push(api07, item(), item("other"), item(partition="p"), item())
    assert statuses(results) == ["failed", "queued", "failed", "failed"]
    assert results[0]["error"] == "Queue 'q' would exceed max capacity (2). Current: 0, Batch: 3"
    assert statuses(await push(api07, item(), item(partition="p"))) == ["queued", "queued"]


async def test_only_what_queue_mode_has_read_makes_room(api07: Api07) -> None:
    await api07.configure("q", maxSize=1)
    await push(api07, item())
    for group in ("g", "h"):
        assert len(await api07.pop07("q", consumerGroup=group, autoAck="true")) == 1
    assert statuses(await push(api07, item())) == ["failed"]
    [message] = await api07.pop07("q")
    # Leased is unread.
    assert statuses(await push(api07, item())) == ["failed"]
    await api07.ack07(message)
    assert statuses(await push(api07, item())) == ["queued"]


async def test_room_without_options_is_ten_thousand(api07: Api07) -> None:
    answers = [await api07.call("POST", "/api/v1/configure", {"queue": "x", **more}) for more in ({}, {"options": 5})]
    assert [answer["options"]["maxSize"] for answer in answers] == [10_000, 10_000]
    assert (await api07.configure("x"))["options"]["maxSize"] == 0


async def test_options_are_cut_and_a_wrong_type_is_refused(api07: Api07) -> None:
    options = (await api07.configure("x", leaseTime=1.9, retryLimit=True))["options"]
    assert (options["leaseTime"], options["retryLimit"]) == (1, 1)
    assert await api07.configure("x", leaseTime="5") == {
        "error": "[json.exception.type_error.302] type must be number, but is string"
    }
    assert await api07.configure("x", retentionEnabled=1) == {
        "error": "[json.exception.type_error.302] type must be boolean, but is number"
    }
    assert await api07.configure("x" * 256) == {"error": "Failed to configure queue"}
    assert await api07.call("POST", "/api/v1/configure", {"queue": 5}) == {"error": "queue is required"}


async def maintain(api: Api07, enabled: bool) -> Any:
    return await api.call("POST", "/api/v1/system/maintenance", {"enabled": enabled})


async def test_pushes_are_held_back_in_maintenance_and_stored_in_order_after_it(api07: Api07) -> None:
    await push(api07, item(transactionId="known", payload=0))
    answer = await maintain(api07, True)
    assert (answer["maintenanceMode"], answer["bufferedMessages"]) == (True, 0)
    trace = "0a0b0c0d-0000-4000-8000-00000000abcd"
    results = await push(
        api07, item("none"), item(transactionId="known"), *(item(payload=number, traceId=trace) for number in (1, 2))
    )
    assert statuses(results) == ["buffered"] * 4
    assert (results[1], results[2]["trace_id"]) == ({"status": "buffered", "transaction_id": "known"}, trace)
    assert payloads(await api07.pop07("q", consumerGroup="early")) == [0]
    assert (await api07.call("GET", "/api/v1/system/maintenance"))["bufferedMessages"] == 4
    answer = await maintain(api07, False)
    assert (answer["maintenanceMode"], answer["bufferedMessages"]) == (False, 0)
    assert payloads(await api07.pop07("q")) == [0, 1, 2]


async def test_what_was_held_back_for_a_full_queue_is_stored_when_there_is_room(api07: Api07) -> None:
    await api07.configure("q", maxSize=1)
    await maintain(api07, True)
    await push(api07, item(payload=0), item(payload=1))
    await maintain(api07, False)
    [message] = await api07.pop07("q")
    assert message["data"] == 0
    assert (await api07.call("GET", "/api/v1/status/buffers"))["pending"] == 1
    await api07.ack07(message)
    assert payloads(await api07.pop07("q")) == [1]
    assert (await api07.call("GET", "/api/v1/status/buffers"))["pending"] == 0
