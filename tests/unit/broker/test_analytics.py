"""Analytics of the installation: empty, in the shapes of the servers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.broker.conftest import Api, Api07

RANGED = ["system-metrics", "worker-metrics", "queue-lag", "queue-ops", "queue-parked-replicas", "retention"]
WITH_RANGE_SHOWN = [name for name in RANGED if name != "queue-lag"]
# The clock of the tests stands at 2023-11-14 22:13:20.
LAST_HOUR = {"from": "2023-11-14T21:13:20.000Z", "to": "2023-11-14T22:13:20.000Z"}


async def ask(api: Api, name: str, **query: Any) -> Any:
    return await api.call("GET", f"/api/v1/analytics/{name}", **query)


@pytest.mark.parametrize("name", RANGED)
@pytest.mark.parametrize("end", ["from", "to"])
@pytest.mark.parametrize("time", ["garbage", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
async def test_a_bad_time_is_an_error_of_the_database(api: Api, name: str, end: str, time: str) -> None:
    response = await api.request("GET", f"/api/v1/analytics/{name}", **{end: time})
    assert (response.status_code, response.json()["success"], list(response.json())) == (
        200,
        False,
        ["error", "success"],
    )


@pytest.mark.parametrize("name", WITH_RANGE_SHOWN)
async def test_the_range_is_the_last_hour_by_default(api: Api, name: str) -> None:
    answer = await ask(api, name)
    assert (answer["timeRange"], answer["bucketMinutes"]) == (LAST_HOUR, 1)


@pytest.mark.parametrize("name", WITH_RANGE_SHOWN)
@pytest.mark.parametrize(
    ("end", "minutes"),
    [
        ("2026-01-01T01:00:00Z", 1), ("2026-01-01T01:00:01Z", 5), ("2026-01-01T06:00:00Z", 5),
        ("2026-01-01T06:00:01Z", 15), ("2026-01-02T00:00:00Z", 15), ("2026-01-02T00:00:01Z", 60),
        ("2026-01-08T00:00:00Z", 60), ("2026-01-08T00:00:01Z", 360), ("2025-01-01T00:00:00Z", 1),
    ],
)  # fmt: skip
async def test_buckets_are_longer_in_longer_ranges(api: Api, name: str, end: str, minutes: int) -> None:
    assert (await ask(api, name, **{"from": "2026-01-01T00:00:00Z", "to": end}))["bucketMinutes"] == minutes


async def test_series_are_empty_whatever_happened(api: Api) -> None:
    await api.push("q", 1)
    await api.ack((await api.pop("q"))["messages"][0])
    for name, lists in (
        ("system-metrics", ["replicas"]),
        ("worker-metrics", ["timeSeries", "workers", "queues"]),
        ("queue-ops", ["series", "queues"]),
        ("queue-parked-replicas", ["series", "replicas"]),
        ("retention", ["series"]),
    ):
        answer = await ask(api, name, queue="q")
        assert [answer[key] for key in lists] == [[]] * len(lists)
    assert await ask(api, "queue-lag", queue="q") is None


async def test_sums_are_zero(api: Api) -> None:
    assert set((await ask(api, "worker-metrics"))["summary"].values()) == {0}
    assert set((await ask(api, "retention"))["totals"].values()) == {0}
    replicas = await ask(api, "system-metrics")
    assert (replicas["replicaCount"], replicas["pointCount"]) == (0, 0)


@pytest.mark.parametrize(
    ("worker", "accepted"), [("", True), ("3", True), ("-1", True), ("abc", False), ("1.5", False)]
)
async def test_a_worker_is_a_number(api: Api, worker: str, accepted: bool) -> None:
    assert ("error" in await ask(api, "worker-metrics", workerId=worker)) is not accepted


async def test_there_is_no_postgresql_to_tell_of(api: Api) -> None:
    answer = await ask(api, "postgres-stats", **{"from": "not looked at"})
    assert {key: value for key, value in answer.items() if isinstance(value, list)} == {
        key: []
        for key in (
            "tableCache", "indexCache", "tableSizes", "deadTuples", "hotUpdates", "activeQueries",
            "autovacuumStatus", "bufferUsage",
        )
    }  # fmt: skip
    assert (answer["timestamp"], answer["database"]) == (LAST_HOUR["to"], "sqlite")
    assert answer["databaseCache"] == {"database": "sqlite", "cacheHits": 0, "diskReads": 0, "cacheHitRatio": None}
    no_reads = {"cacheHits": 0, "diskReads": 0, "hitRatio": None}
    assert answer["cacheSummary"] == {"tables": no_reads, "indexes": no_reads}
    assert answer["bufferConfig"] == {"sharedBuffers": "0", "sharedBuffersSize": "0 bytes"}


async def test_server_07_shows_a_range_as_it_was_given(api07: Api07) -> None:
    frame = {"pointCount": 0, "replicas": [], "replicaCount": 0}
    answer = await ask(api07, "system-metrics")
    assert answer == {"timeRange": LAST_HOUR, "bucketMinutes": 1, **frame}
    given = {"from": "2026-01-01 00:00", "to": "2026-02-01"}
    assert await ask(api07, "system-metrics", **given) == {"timeRange": given, "bucketMinutes": 1440, **frame}
    refused = await ask(api07, "system-metrics", to="garbage")
    assert list(refused) == ["error"]
    assert str(refused["error"]).startswith("Query failed: ERROR:")
