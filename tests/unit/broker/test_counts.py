"""Counts of messages in listings, beyond the recordings. The clock of the tests starts at 2023-11-14 22:13:20."""

from __future__ import annotations

from typing import Any, AsyncIterator, Dict, Tuple

import pytest

from queen.broker import Broker, ManualClock, open_broker
from tests.unit.broker.conftest import Api

NOTHING = {"total": 0, "pending": 0, "processing": 0, "completed": 0, "failed": 0, "deadLetter": 0}


@pytest.fixture
async def api015(clock: ManualClock) -> AsyncIterator[Api]:
    broker = open_broker("memory://", clock=clock, dialect="0.15")
    yield Api(broker)
    await broker.close()


async def refresh(api: Api) -> Any:
    return await api.call("POST", "/api/v1/stats/refresh")


async def totals(api: Api, queue: str = "q") -> Dict[str, int]:
    detail = await api.call("GET", f"/api/v1/resources/queues/{queue}")
    found: Dict[str, int] = {name: count for name, count in detail["totals"].items() if count}
    return found


async def in_lists(api: Api) -> Tuple[Any, Any]:
    """The counts of the only queue in the two lists of queues."""
    [queue] = (await api.call("GET", "/api/v1/resources/queues"))["queues"]
    [status] = (await api.call("GET", "/api/v1/status/queues"))["queues"]
    return queue["messages"], status["messages"]


async def test_a_new_partition_is_counted_a_second_after_it_was_made(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0, 1)
    assert await totals(api) == {}
    clock.advance(1)
    assert await totals(api) == {"total": 2, "pending": 2}
    await api.push("q", 2)
    assert await totals(api) == {"total": 3, "pending": 3}
    await api.push("q", 3, partition="p")
    assert await totals(api) == {"total": 3, "pending": 3}


async def test_counts_follow_a_message_from_push_to_ack(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0, 1, 2)
    await refresh(api)
    assert await totals(api) == {"total": 3, "pending": 3}
    popped = await api.pop("q", batch=2)
    assert await totals(api) == {"total": 3, "pending": 3, "processing": 2}
    await api.ack(popped["messages"][0])
    assert await totals(api) == {"total": 3, "pending": 2, "processing": 1, "completed": 1}
    clock.advance(301)
    assert await totals(api) == {"total": 3, "pending": 2, "completed": 1}
    for message in (await api.pop("q"))["messages"]:
        await api.ack(message)
    assert await totals(api) == {"total": 3, "completed": 3}


async def test_what_was_given_up_is_a_dead_letter_and_not_completed(api: Api) -> None:
    await api.push("q", 0, 1)
    await refresh(api)
    popped = await api.pop("q", batch=1)
    await api.ack(popped["messages"][0], "dlq")
    assert await totals(api) == {"total": 2, "pending": 1, "deadLetter": 1}


async def test_the_list_of_queues_leaves_out_of_pending_what_is_leased_and_the_status_does_not(api: Api) -> None:
    await api.push("q", 0, 1, 2)
    await refresh(api)
    await api.pop("q", batch=2)
    listed, status = await in_lists(api)
    assert listed == {"total": 3, "pending": 1, "processing": 2}
    assert status == {"total": 3, "pending": 3, "processing": 2}


async def test_a_partition_shows_the_largest_count_of_its_groups_and_a_queue_their_sum(api: Api) -> None:
    await api.push("q", 0, 1, 2)
    await api.push("q", 3, partition="p")
    await refresh(api)
    await api.pop("q", "Default", consumerGroup="quick", autoAck="true")
    await api.pop("q", "Default", consumerGroup="slow", autoAck="true", batch=1)
    detail = await api.call("GET", "/api/v1/resources/queues/q")
    stats = {partition["name"]: partition["stats"] for partition in detail["partitions"]}
    assert stats["Default"] == {**NOTHING, "total": 3, "pending": 2, "completed": 3}
    assert stats["p"] == {**NOTHING, "total": 1, "pending": 1}
    assert detail["totals"] == {**NOTHING, "total": 4, "pending": 3, "completed": 3}


async def test_a_group_that_subscribed_later_has_nothing_pending_from_before(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0, 1)
    clock.advance(1)
    await api.pop("q", consumerGroup="g", subscriptionMode="new")
    assert await totals(api) == {"total": 2, "completed": 2}
    clock.advance(1)
    await api.push("q", 2)
    assert await totals(api) == {"total": 3, "pending": 1, "completed": 2}


async def test_a_partition_shows_the_times_of_its_oldest_and_newest_message(api: Api, clock: ManualClock) -> None:
    await api.configure("q")
    await api.push("q", 0)
    clock.advance(5)
    await api.push("q", 1)
    for path in ("/api/v1/resources/queues/q", "/api/v1/status/queues/q"):
        [partition] = (await api.call("GET", path))["partitions"]
        times = partition["oldestMessage"], partition["newestMessage"]
        assert times == ("2023-11-14T22:13:20.000Z", "2023-11-14T22:13:25.000Z")


async def test_a_deleted_message_is_not_counted(api: Api) -> None:
    [first, _] = await api.push("q", 0, 1)
    await refresh(api)
    await api.call("DELETE", f"/api/v1/messages/{first['partition_id']}/{first['transaction_id']}")
    assert await totals(api) == {"total": 1, "pending": 1}


async def test_a_queue_that_is_made_again_has_nothing_of_the_one_before(api: Api) -> None:
    await api.push("q", 0, 1)
    await refresh(api)
    await api.call("DELETE", "/api/v1/resources/queues/q")
    await api.push("q", 2)
    assert await totals(api) == {}
    await refresh(api)
    assert await totals(api) == {"total": 1, "pending": 1}


async def test_on_server_015_counts_are_two_minutes_old_or_made_on_demand(api015: Api, clock: ManualClock) -> None:
    await api015.push("q", 0)
    clock.advance(119)
    assert await totals(api015) == {}
    clock.advance(1)
    assert await totals(api015) == {"total": 1, "pending": 1}
    await api015.push("q", 1)
    clock.advance(119)
    assert await totals(api015) == {"total": 1, "pending": 1}
    await refresh(api015)
    assert await totals(api015) == {"total": 2, "pending": 2}


async def test_a_count_on_demand_tells_what_it_counted(api: Api) -> None:
    await api.push("space.job", 0)
    await api.push("space.other", 0)
    await api.push("space.other", 1, partition="p")
    found = await refresh(api)
    assert (found["partition"]["partitionsUpdated"], found["partition"]["newPartitions"]) == (3, 3)
    assert (found["queue"], found["namespace"], found["task"]) == (
        {"queuesUpdated": 2},
        {"namespacesUpdated": 1},
        {"tasksUpdated": 2},
    )
    await api.call("DELETE", "/api/v1/resources/queues/space.other")
    found = await refresh(api)
    assert (found["partition"]["partitionsUpdated"], found["partition"]["newPartitions"]) == (1, 0)
    assert found["cleanup"] == {"orphanedDeleted": 2}


async def test_namespaces_and_tasks_are_sorted_and_have_a_name(api: Api) -> None:
    for name in ("b.y", "a.x", "a.y"):
        await api.push(name, 0, 1)
    await api.push("a.x", 2, partition="p")
    await api.configure("nameless")
    assert await api.call("GET", "/api/v1/resources/namespaces") == {"namespaces": []}
    await refresh(api)
    await api.pop("a.y", batch=1)
    assert (await api.call("GET", "/api/v1/resources/namespaces"))["namespaces"] == [
        {"namespace": "a", "queues": 2, "partitions": 3, "messages": {"total": 5, "pending": 4}},
        {"namespace": "b", "queues": 1, "partitions": 1, "messages": {"total": 2, "pending": 2}},
    ]
    assert (await api.call("GET", "/api/v1/resources/tasks"))["tasks"] == [
        {"task": "x", "queues": 1, "partitions": 2, "messages": {"total": 3, "pending": 3}},
        {"task": "y", "queues": 2, "partitions": 2, "messages": {"total": 4, "pending": 3}},
    ]


async def test_the_status_of_queues_is_filtered_and_paged(api: Api) -> None:
    for name in ("a.x", "a.y", "b.x"):
        await api.push(name, 0)

    async def names(**query: Any) -> Any:
        listed = await api.call("GET", "/api/v1/status/queues", **query)
        return [queue["name"] for queue in listed["queues"]], listed["pagination"]

    assert await names() == (["b.x", "a.y", "a.x"], {"limit": 100, "offset": 0})
    assert await names(limit=1, offset=1) == (["a.y"], {"limit": 1, "offset": 1})
    assert (await names(namespace="a"))[0] == ["a.y", "a.x"]
    assert (await names(namespace="a", task="x"))[0] == ["a.x"]
    assert (await names(limit=0))[0] == []
    for wrong in ({"limit": -1}, {"offset": -1}):
        assert (await api.call("GET", "/api/v1/status/queues", **wrong))["success"] is False


async def test_counts_are_made_anew_when_a_file_is_opened_again(tmp_path: Any, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path}/queen.db"
    for pushed in (1, 2):
        broker: Broker = open_broker(url, clock=clock)
        await Api(broker).push("q", pushed)
        clock.advance(1)
        assert await totals(Api(broker)) == {"total": pushed, "pending": pushed}
        await broker.close()
