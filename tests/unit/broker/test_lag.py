"""How far groups are behind, partition by partition. The clock of the tests starts at 2023-11-14 22:13:20."""

from __future__ import annotations

from typing import Any, List

from queen.broker import ManualClock
from tests.unit.broker.conftest import Api

LAGGING = "/api/v1/consumer-groups/lagging"


async def lags(api: Api, **query: Any) -> List[Any]:
    rows = await api.call("GET", LAGGING, **query) or []
    return [(row["consumer_group"], row["partition_name"], row["offset_lag"], row["time_lag_seconds"]) for row in rows]


async def test_each_group_lags_by_what_it_has_not_read(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0, 1, 2)
    clock.advance(100)
    await api.push("q", 3, partition="p")
    for group, batch in (("quick", 3), ("slow", 1)):
        await api.pop("q", "Default", consumerGroup=group, batch=batch, autoAck="true")
    await api.pop("q", "p", consumerGroup="slow", batch=0)
    clock.advance(10)
    assert await lags(api, minLagSeconds=0) == [("slow", "Default", 2, 110), ("slow", "p", 1, 10)]
    assert await lags(api, minLagSeconds=10) == [("slow", "Default", 2, 110)]
    assert await lags(api, minLagSeconds=110) == []


async def test_an_hour_is_what_counts_as_late_unasked(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0)
    leased = await api.pop("q", "Default", consumerGroup="g")
    clock.advance(3600)
    assert await lags(api) == []
    clock.advance(1)
    assert await lags(api) == [("g", "Default", 1, 3601)]
    [row] = await api.call("GET", LAGGING)
    assert (row["lag_hours"], row["oldest_unconsumed_at"]) == (1.0, "2023-11-14T22:13:20.000Z")
    # The lease of five minutes has run out.
    assert leased["leaseId"]
    assert row["worker_id"] is None


async def test_a_group_that_has_read_all_lags_again_with_the_next_message(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0)
    await api.pop("q", "Default", consumerGroup="g", autoAck="true")
    clock.advance(50)
    assert await lags(api, minLagSeconds=0) == []
    await api.push("q", 1)
    clock.advance(5)
    assert await lags(api, minLagSeconds=0) == [("g", "Default", 1, 5)]
