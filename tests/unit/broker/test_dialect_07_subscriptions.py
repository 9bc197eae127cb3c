"""Dialect 0.7: where groups start (the rules G1 to G6 of that server)."""

from __future__ import annotations

import asyncio
from typing import Any, Dict

import pytest

from queen.broker import Broker, ManualClock
from tests.unit.broker.conftest import Api07, payloads
from tests.unit.broker.test_time import until_parked


async def summary(api: Api07, group: str) -> Dict[str, Any]:
    [found] = [entry for entry in await api.call("GET", "/api/v1/consumer-groups") if entry["name"] == group]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    "wish", [{"subscriptionMode": "new"}, {"subscriptionMode": "new-only"}, {"subscriptionFrom": "now"}]
)
async def test_a_new_group_reads_what_comes_at_or_after_its_first_pop(
    api07: Api07, clock: ManualClock, wish: Any
) -> None:
    await api07.push("q", "before")
    clock.advance(1)
    assert await api07.pop07("q", consumerGroup="g", **wish) == []
    await api07.push("q", "same moment")
    clock.advance(1)
    await api07.push("q", "after")
    assert payloads(await api07.pop07("q", consumerGroup="g")) == ["same moment", "after"]
    assert (await summary(api07, "g"))["subscriptionMode"] == "new"


async def test_a_new_group_misses_nothing_that_is_pushed_into_a_new_partition(api07: Api07) -> None:
    assert await api07.pop07("q", consumerGroup="g", subscriptionMode="new") == []
    await api07.push("q", 1, partition="later")
    assert payloads(await api07.pop07("q", consumerGroup="g")) == [1]


async def test_a_wait_without_time_subscribes_too(api07: Api07, clock: ManualClock) -> None:
    await api07.pop("q", consumerGroup="g", subscriptionMode="new", wait="true", timeout=0)
    clock.advance(1)
    await api07.push("q", 1)
    clock.advance(1)
    assert payloads(await api07.pop07("q", consumerGroup="g", subscriptionMode="new")) == [1]


async def test_a_wait_subscribes_when_it_begins(api07: Api07, broker07: Broker, clock: ManualClock) -> None:
    poll = asyncio.ensure_future(
        api07.pop07("q", consumerGroup="g", subscriptionMode="new", wait="true", timeout=60_000)
    )
    await until_parked(broker07)
    clock.advance(1)
    await api07.push("q", 1)
    assert payloads(await asyncio.wait_for(poll, 5)) == [1]


async def test_the_first_wish_stays(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    await api07.pop07("q", consumerGroup="g", batch=0)
    clock.advance(1)
    await api07.push("q", 1, partition="p")
    # "all" was recorded, so that "new" means nothing on the other partition either.
    for _ in range(2):
        assert len(await api07.pop07("q", consumerGroup="g", subscriptionMode="new")) == 1
    shown = await summary(api07, "g")
    assert (shown["subscriptionMode"], shown["subscriptionTimestamp"]) == ("all", "1970-01-01 00:00:00+00")


async def test_a_time_in_the_future_is_waited_for(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    # The clock of the tests starts at 2023-11-14 22:13:20.
    start = "2023-11-14T22:13:30Z"
    assert await api07.pop07("q", consumerGroup="g", subscriptionFrom=start) == []
    clock.advance(5)
    await api07.push("q", 1)
    assert await api07.pop07("q", consumerGroup="g") == []
    clock.advance(5)
    await api07.push("q", 2)
    assert (await summary(api07, "g"))["totalLag"] == 1
    [message] = await api07.pop07("q", consumerGroup="g")
    assert message["data"] == 2
    await api07.ack07(message)
    shown = await summary(api07, "g")
    assert (shown["subscriptionMode"], shown["subscriptionTimestamp"]) == ("timestamp", "2023-11-14 22:13:30+00")
    assert shown["totalLag"] == 0


async def test_a_partitions_subscription_goes_before_its_queues(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    await api07.push("q", 1, partition="p")
    clock.advance(1)
    assert await api07.pop07("q", "p", consumerGroup="g", subscriptionMode="new") == []
    assert payloads(await api07.pop07("q", consumerGroup="g")) == [0]
    # Two subscriptions apply to the partition, and it is counted twice.
    assert (await summary(api07, "g"))["members"] == 3


async def test_subscriptions_of_a_namespace_are_recorded_and_never_used(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    clock.advance(1)
    popped = await api07.call("GET", "/api/v1/pop", consumerGroup="g", subscriptionMode="new")
    assert payloads(popped["messages"]) == [0]
    assert (await summary(api07, "g"))["subscriptionMode"] is None
    await api07.pop07("q", consumerGroup="h", subscriptionMode="new")
    assert await api07.call("GET", "/api/v1/pop", consumerGroup="h") is None


async def test_a_deleted_group_keeps_its_wish_unless_that_is_forgotten(api07: Api07, clock: ManualClock) -> None:
    await api07.pop07("q", consumerGroup="g", subscriptionMode="new")
    clock.advance(1)
    await api07.push("q", 0)
    path = "/api/v1/consumer-groups/g"
    assert await api07.call("DELETE", path, deleteMetadata="false") == {
        "success": True,
        "consumerGroup": "g",
        "metadataDeleted": False,
    }
    clock.advance(1)
    assert payloads(await api07.pop07("q", consumerGroup="g", subscriptionMode="new")) == [0]
    assert (await api07.call("DELETE", path))["metadataDeleted"] is True
    assert await api07.pop07("q", consumerGroup="g", subscriptionMode="new") == []


async def test_a_deleted_queue_leaves_its_groups_their_times(api07: Api07, clock: ManualClock) -> None:
    await api07.pop07("q", consumerGroup="g", subscriptionMode="new")
    clock.advance(1)
    await api07.call("DELETE", "/api/v1/resources/queues/q")
    await api07.configure("q")
    await api07.push("q", 0)
    clock.advance(1)
    assert payloads(await api07.pop07("q", consumerGroup="g", subscriptionMode="new")) == [0]


async def test_another_time_counts_for_new_cursors_and_not_for_mode_all(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    await api07.push("q", 1, partition="p")
    clock.advance(1)
    await api07.pop07("q", consumerGroup="all", batch=0)
    await api07.pop07("q", "Default", consumerGroup="new", subscriptionMode="new")
    await api07.call("DELETE", "/api/v1/consumer-groups/all", deleteMetadata="false")
    for group, timestamp in (("all", "2030-01-01"), ("new", "2020-01-01")):
        path = f"/api/v1/consumer-groups/{group}/subscription"
        answer = await api07.call("POST", path, {"subscriptionTimestamp": timestamp})
        assert answer == {"success": True, "consumerGroup": group, "subscriptionTimestamp": timestamp}
    assert payloads(await api07.pop07("q", "p", consumerGroup="all")) == [1]
    # The cursor that is there does not move; a new one starts at the new time.
    assert await api07.pop07("q", "Default", consumerGroup="new") == []
    await api07.call("DELETE", "/api/v1/consumer-groups/new", deleteMetadata="false")
    assert payloads(await api07.pop07("q", "Default", consumerGroup="new")) == [0]


async def test_an_unreadable_time_is_refused_and_an_unknown_group_is_not(api07: Api07) -> None:
    path = "/api/v1/consumer-groups/none/subscription"
    assert (await api07.call("POST", path, {"subscriptionTimestamp": "2020-01-01"}))["success"] is True
    for wrong in ("garbage", None, 5):
        assert list(await api07.call("POST", path, {"subscriptionTimestamp": wrong})) == ["error"]
