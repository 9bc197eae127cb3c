"""Windowed streams of the broker, on a clock that stands still; the rules are those of server 0.7."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Dict, List, Optional

import pytest

from queen.broker import Broker, ManualClock, open_broker
from tests.unit.broker.conftest import Api

# 2026-01-31 10:20:00 UTC.
START = 1_769_854_800_000_000
WINDOW = {"window_duration_ms": 60_000, "window_grace_period_ms": 10_000, "window_lease_timeout_ms": 30_000}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def broker(clock: ManualClock) -> AsyncIterator[Broker]:
    opened = open_broker("memory://", clock=clock)
    yield opened
    await opened.close()


async def parked(broker: Broker, polls: int) -> None:
    while broker.parked_polls < polls:  # noqa: ASYNC110  (the broker has no event for tests)
        await asyncio.sleep(0)


async def define(api: Api, *sources: str, **settings: Any) -> Dict[str, Any]:
    for queue in sources:
        await api.configure(queue)
    body = {"name": "s", "namespace": "n", "source_queue_names": list(sources), **WINDOW, **settings}
    answer: Dict[str, Any] = await api.call("POST", "/api/v1/stream/define", body)
    return answer


async def poll(api: Api, group: str = "g", timeout: int = 0) -> Optional[Dict[str, Any]]:
    body = {"streamName": "s", "consumerGroup": group, "timeout": timeout}
    answer = await api.call("POST", "/api/v1/stream/poll", body)
    return None if answer is None else answer["window"]


async def ack(api: Api, window: Optional[Dict[str, Any]], **more: Any) -> Dict[str, Any]:
    assert window is not None
    answer: Dict[str, Any] = await api.call("POST", "/api/v1/stream/ack", {"leaseId": window["leaseId"], **more})
    return answer


def payloads(window: Optional[Dict[str, Any]]) -> List[Any]:
    assert window is not None
    return [message["data"] for message in window["messages"]]


async def test_the_worked_example_of_the_servers_page(api: Api, clock: ManualClock) -> None:
    await define(api, "a", "b")
    clock.advance(10.123456)
    await api.push("a", 1)
    clock.advance(29.876544)
    await api.push("b", 2)
    clock.advance(25)
    await api.push("a", 3)
    assert await poll(api) is None
    clock.advance(25)
    await api.push("b", 4)
    assert await poll(api) is None, "needs a watermark of 10:21:10, and the mark of a is 10:21:05"
    clock.advance(0.5)
    await api.push("a", 5)
    first = await poll(api)
    assert first is not None
    assert (first["start"], first["end"]) == ("2026-01-31 10:20:00.000000+00", "2026-01-31 10:21:00.000000+00")
    assert payloads(first) == [1, 2]
    assert await poll(api) is None, "leased"
    assert payloads(await poll(api, "h")) == [1, 2], "each group has its own"
    assert await ack(api, first, success=False) == {"success": True, "acked": False}
    again = await poll(api)
    assert again is not None
    assert again["id"] == first["id"]
    assert again["leaseId"] != first["leaseId"]
    assert await ack(api, again) == {"success": True, "acked": True}
    assert await poll(api) is None, "time alone closes nothing"
    clock.advance(3600)
    assert await poll(api) is None
    await api.push("a", 6)
    await api.push("b", 7)
    second = await poll(api)
    assert second is not None
    assert (second["start"], second["end"]) == ("2026-01-31 10:21:00+00", "2026-01-31 10:22:00.000000+00")
    assert payloads(second) == [3, 4, 5]
    await ack(api, second)
    assert payloads(await poll(api)) == [], "windows without messages come too"


async def test_a_source_that_never_had_a_message_holds_nothing_up(api: Api, clock: ManualClock) -> None:
    await define(api, "a", "silent")
    await api.push("a", 1)
    clock.advance(70)
    await api.push("a", 2)
    assert payloads(await poll(api)) == [1]


async def test_a_message_exactly_at_the_end_and_grace_closes_the_window(api: Api, clock: ManualClock) -> None:
    await define(api, "a")
    await api.push("a", 1)
    clock.advance(69.999999)
    await api.push("a", 2)
    assert await poll(api) is None
    clock.advance(0.000001)
    await api.push("a", 3)
    assert payloads(await poll(api)) == [1]


async def test_a_partitioned_stream_has_windows_for_each_partition_name(api: Api, clock: ManualClock) -> None:
    await define(api, "a", "b", partitioned=True)
    await api.push("a", 1, partition="p")
    await api.push("b", 2, partition="p")
    await api.push("b", 3, partition="q")
    clock.advance(70)
    await api.push("a", 4, partition="late")
    await api.push("b", 5, partition="late")
    windows = [await poll(api), await poll(api)]
    assert sorted((window["key"], payloads(window)) for window in windows if window) == [("p", [1, 2]), ("q", [3])]
    assert await poll(api) is None


async def test_a_lease_that_ran_out_makes_the_window_ready_again(api: Api, broker: Broker, clock: ManualClock) -> None:
    await define(api, "a")
    await api.push("a", 1)
    clock.advance(70)
    await api.push("a", 2)
    first = await poll(api)
    waiting = asyncio.ensure_future(poll(api, timeout=60_000))
    await parked(broker, 1)
    clock.advance(30)
    again = await waiting
    assert first is not None
    assert again is not None
    assert again["id"] == first["id"]
    assert await ack(api, first) == {"error": "Invalid or expired lease"}
    assert await ack(api, again) == {"success": True, "acked": True}


async def test_a_renewal_sets_the_end_of_a_lease_also_earlier(api: Api, clock: ManualClock) -> None:
    await define(api, "a")
    await api.push("a", 1)
    clock.advance(70)
    await api.push("a", 2)
    window = await poll(api)
    assert window is not None
    renewed = await api.call("POST", "/api/v1/stream/renew-lease", {"leaseId": window["leaseId"], "extend_ms": 1000})
    assert renewed == {"success": True, "lease_expires_at": "2026-01-31 10:21:11+00"}
    clock.advance(1)
    renewed = await api.call("POST", "/api/v1/stream/renew-lease", {"leaseId": window["leaseId"]})
    assert renewed == {"error": "Lease not found or expired"}


async def test_a_poll_that_waits_is_woken_by_the_push_that_closes_its_window(
    api: Api, broker: Broker, clock: ManualClock
) -> None:
    await define(api, "a")
    await api.push("a", 1)
    waiting = [asyncio.ensure_future(poll(api, timeout=600_000)) for _ in range(2)]
    await parked(broker, 2)
    clock.advance(70)
    await api.push("a", 2)
    done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
    assert [payloads(task.result()) for task in done] == [[1]]
    assert len(others) == 1, "the other goes on waiting"
    clock.advance(600)
    assert [await task for task in others] != []


async def test_a_seek_moves_a_global_stream_and_forgets_with_minus_infinity(api: Api, clock: ManualClock) -> None:
    await define(api, "a")
    await api.push("a", 1)
    clock.advance(200)
    await api.push("a", 2)
    await ack(api, await poll(api))
    body = {"streamName": "s", "consumerGroup": "g"}
    assert await api.call("POST", "/api/v1/stream/seek", {**body, "timestamp": "2026-01-31T10:19:59.5Z"}) == {
        "success": True
    }
    window = await poll(api)
    assert window is not None
    assert (window["start"], window["end"]) == ("2026-01-31 10:19:59.5+00", "2026-01-31 10:20:59.500000+00")
    await ack(api, window)
    await api.call("POST", "/api/v1/stream/seek", {**body, "timestamp": "-infinity"})
    window = await poll(api)
    assert window is not None
    assert window["start"] == "2026-01-31 10:20:00.000000+00"


async def test_a_window_of_no_length_is_refused(api: Api) -> None:
    answer = await define(api, "a", window_duration_ms=0)
    assert answer == {"error": "Failed: window_duration_ms must be at least 1"}


async def test_defining_again_adds_sources_and_keeps_offsets(api: Api, clock: ManualClock) -> None:
    first = await define(api, "a")
    await api.push("a", 1)
    clock.advance(70)
    await api.push("a", 2)
    await ack(api, await poll(api))
    again = await define(api, "b", window_grace_period_ms=0)
    assert again["stream_id"] == first["stream_id"]
    listed = (await api.call("GET", "/api/v1/resources/streams"))["streams"]
    assert [(stream["sourceQueues"], stream["consumerGroups"]) for stream in listed] == [(["a", "b"], 1)]
    clock.advance(60)
    await api.push("a", 3)
    window = await poll(api)
    assert window is not None
    assert window["start"] == "2026-01-31 10:21:00+00"


async def test_deleting_a_source_queue_takes_it_out(api: Api) -> None:
    await define(api, "a", "b")
    await api.call("DELETE", "/api/v1/resources/queues/a")
    [stream] = (await api.call("GET", "/api/v1/resources/streams"))["streams"]
    assert stream["sourceQueues"] == ["b"]


async def test_the_stats_count(api: Api, clock: ManualClock) -> None:
    await define(api, "a")
    await api.push("a", 1)
    clock.advance(140)
    await api.push("a", 2)
    await ack(api, await poll(api))
    await poll(api)
    assert await api.call("GET", "/api/v1/resources/streams/stats") == {
        "totalStreams": 1, "partitionedStreams": 0, "activeLeases": 1, "totalConsumerGroups": 1, "activeConsumers": 1,
        "totalWindowsProcessed": 1, "windowsLastHour": 1, "avgLeaseTime": 30,
    }  # fmt: skip


async def test_the_groups_of_a_stream_are_not_told_as_on_the_server(api: Api) -> None:
    await define(api, "a")
    broken = await api.call("GET", "/api/v1/resources/streams/s/consumers")
    assert list(broken) == ["error"]
    assert broken["error"].startswith("Query failed: ")
    assert await api.call("GET", "/api/v1/resources/streams/none/consumers") == {"error": "Stream not found"}
