"""The status of the whole broker, its overview, and what went through it. The clock starts at 2023-11-14 22:13:20."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from queen.broker import ManualClock
from tests.unit.broker.conftest import Api, Api07

STATUS = "/api/v1/status"
ANALYTICS = "/api/v1/status/analytics"


def points(answer: Dict[str, Any], *keys: str) -> List[Any]:
    return [tuple(point[key] for key in ("timestamp", *keys)) for point in answer["throughput"]]


async def test_traffic_is_told_for_each_minute_that_has_some_the_newest_first(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0, 1, 2)
    clock.advance(60)
    await api.pop("q", batch=2, autoAck="true")
    clock.advance(120)
    await api.push("q", 3)
    status = await api.call("GET", STATUS)
    assert points(status, "ingested", "processed") == [
        ("2023-11-14T22:16:00Z", 1, 0),
        ("2023-11-14T22:14:00Z", 0, 2),
        ("2023-11-14T22:13:00Z", 3, 0),
    ]
    assert (status["bucketMinutes"], status["pointCount"]) == (1, 3)
    assert [point["ingestedPerSecond"] for point in status["throughput"]] == [0.02, 0, 0.05]


@pytest.mark.parametrize(("days", "told"), [(29, 2), (31, 1)])
async def test_what_was_consumed_is_forgotten_after_thirty_days(
    api: Api, clock: ManualClock, days: int, told: int
) -> None:
    await api.push("q", 0, 1)
    for _ in range(2):
        await api.pop("q", batch=1, autoAck="true")
        clock.advance(days * 86_400)
    status = await api.call("GET", STATUS, **{"from": "2023-11-14T00:00:00Z"})
    assert sum(point["processed"] for point in status["throughput"]) == told


async def test_traffic_of_a_long_time_is_told_in_longer_pieces(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0)
    clock.advance(240)
    await api.push("q", 1)
    status = await api.call("GET", STATUS, **{"from": "2023-11-14T20:00:00Z"})
    assert (status["bucketMinutes"], points(status, "ingested")) == (
        5,
        [("2023-11-14T22:15:00Z", 1), ("2023-11-14T22:10:00Z", 1)],
    )


@pytest.mark.parametrize(
    ("start", "minutes"),
    [("2023-11-14T12:00Z", 1), ("2023-11-14T07:00Z", 5), ("2023-11-13T13:00Z", 15), ("2023-11-07T13:00Z", 60)],
)
async def test_the_length_of_a_piece_is_that_of_the_time(api: Api, api07: Api07, start: str, minutes: int) -> None:
    for dialect in (api, api07):
        status = await dialect.call("GET", STATUS, **{"from": start, "to": "2023-11-14T13:00Z"})
        longer = await dialect.call("GET", STATUS, **{"from": "2023-11-07T12:59Z", "to": "2023-11-14T13:00Z"})
        assert status["bucketMinutes"] == minutes
        assert longer["bucketMinutes"] == (360 if dialect is api else 1440)


async def test_traffic_and_queues_are_those_asked_for_and_counts_those_of_all(api: Api) -> None:
    for name in ("a.x", "a.y", "b.x"):
        await api.push(name, 0, 1)
        await api.pop(name, batch=1, autoAck="true")
    await api.configure("empty")
    await api.call("POST", "/api/v1/stats/refresh")

    async def asked(**query: Any) -> Any:
        status = await api.call("GET", STATUS, **query)
        [point] = status["throughput"]
        names = [queue["name"] for queue in status["queues"]]
        return names, point["ingested"], point["processed"], status["messages"]["total"]

    assert await asked() == (["a.x", "a.y", "b.x"], 6, 3, 6)
    assert await asked(namespace="a") == (["a.x", "a.y"], 4, 2, 6)
    assert await asked(task="x") == (["a.x", "b.x"], 4, 2, 6)
    assert await asked(queue="a.x") == (["a.x"], 2, 1, 6)
    [queue] = (await api.call("GET", STATUS, queue="a.x"))["queues"]
    assert (queue["partitions"], queue["totalConsumed"]) == (1, 1)


async def test_what_was_consumed_of_a_deleted_queue_stays_consumed(api: Api) -> None:
    await api.push("q", 0)
    await api.pop("q", autoAck="true")
    await api.call("DELETE", "/api/v1/resources/queues/q")
    for query in ({}, {"queue": "q"}):
        status = await api.call("GET", STATUS, **query)
        assert points(status, "ingested", "processed") == [("2023-11-14T22:13:00Z", 0, 1)]


async def test_leases_in_force_and_dead_letters_are_counted(api: Api, clock: ManualClock) -> None:
    await api.configure("q", leaseTime=10)
    await api.push("q", 0, 1, 2)
    await api.push("q", 3, partition="p")
    popped = await api.pop("q", "Default")
    await api.pop("q", "Default", consumerGroup="g")
    await api.pop("q", "p", consumerGroup="g")
    await api.ack(popped["messages"][0], "dlq")
    status = await api.call("GET", STATUS)
    assert status["leases"] == {"active": 3, "partitionsWithLeases": 2, "totalBatchSize": 7, "totalAcked": 1}
    assert (status["deadLetterQueue"]["totalMessages"], status["errors"]["dlqMessages"]) == (1, 1)
    clock.advance(10)
    assert (await api.call("GET", STATUS))["leases"]["active"] == 0


async def test_a_bad_time_is_refused(api: Api) -> None:
    for wrong in ({"from": "garbage"}, {"to": "garbage"}):
        assert (await api.call("GET", STATUS, **wrong))["success"] is False


async def test_the_overview_counts_everything(api: Api, clock: ManualClock) -> None:
    await api.push("a.x", 0, 1, 2)
    await api.push("b", 3)
    assert (await api.call("GET", "/api/v1/resources/overview"))["statsAge"] == -1
    clock.advance(10)
    await api.pop("a.x", batch=2, autoAck="true")
    await api.pop("a.x", consumerGroup="g", batch=1)
    overview = await api.call("GET", "/api/v1/resources/overview")
    named = {key: overview[key] for key in ("queues", "partitions", "namespaces", "tasks", "statsAge")}
    assert named == {"queues": 2, "partitions": 2, "namespaces": 2, "tasks": 1, "statsAge": 0}
    assert overview["messages"] == {
        "total": 4, "pending": 4, "processing": 1, "completed": 2, "failed": 0, "deadLetter": 0,
    }  # fmt: skip
    assert overview["lag"] == {
        "time": {"avg": 10, "median": 10, "min": 10, "max": 10},
        "offset": {"avg": 2, "median": 2, "min": 1, "max": 3},
    }
    # Of the 90 seconds since the last full minute began.
    assert overview["throughput"] == {"ingestedPerSecond": 0.04, "processedPerSecond": 0.02}


async def series(api: Api, unit: str, start: str, **query: Any) -> List[Any]:
    answer = await api.call("GET", ANALYTICS, **{"interval": unit, "from": start, **query})
    return [(point["timestamp"], point["messages"]) for point in answer["dataPoints"]]


async def test_stored_messages_are_counted_by_minutes_and_by_hours(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0, 1)
    clock.advance(120)
    await api.push("q", 2)
    assert await series(api, "minute", "2023-11-14T22:13:00Z") == [
        ("2023-11-14T22:13:00.000Z", 2),
        ("2023-11-14T22:14:00.000Z", 0),
        ("2023-11-14T22:15:00.000Z", 1),
    ]
    assert await series(api, "hour", "2023-11-14T21:59:00Z") == [
        ("2023-11-14T21:00:00.000Z", 0),
        ("2023-11-14T22:00:00.000Z", 3),
    ]
    # The points are cut to the unit, the time is not.
    assert await series(api, "minute", "2023-11-14T22:13:30Z", to="2023-11-14T22:14:59Z") == [
        ("2023-11-14T22:13:00.000Z", 0),
        ("2023-11-14T22:14:00.000Z", 0),
    ]


async def test_a_day_of_hours_is_what_analytics_tell_unasked(api: Api) -> None:
    await api.push("q", 0)
    answer = await api.call("GET", ANALYTICS)
    assert (answer["interval"], len(answer["dataPoints"])) == ("hour", 25)
    assert (answer["from"], answer["to"]) == ("2023-11-13T22:13:20.000Z", "2023-11-14T22:13:20.000Z")
    assert sum(point["messages"] for point in answer["dataPoints"]) == 1


async def test_analytics_are_those_of_the_queues_asked_for(api: Api) -> None:
    for name in ("a.x", "a.y", "b.x"):
        await api.push(name, 0, 1)
    found = [
        (await series(api, "day", "2023-11-14", **query))[-1][1]
        for query in ({}, {"namespace": "a"}, {"task": "x"}, {"queue": "a.x"}, {"queue": "none"})
    ]
    assert found == [6, 4, 4, 2, 0]


@pytest.mark.parametrize(
    ("unit", "first"),
    [
        ("week", "2023-11-13"),
        ("month", "2023-11-01"),
        ("quarter", "2023-10-01"),
        ("year", "2023-01-01"),
        ("decade", "2020-01-01"),
        ("century", "2001-01-01"),
        ("MILLENNIUM", "2001-01-01"),
    ],
)
async def test_longer_units_begin_where_the_calendar_has_them(api: Api, unit: str, first: str) -> None:
    await api.push("q", 0)
    assert await series(api, unit, "2023-11-14T22:00:00Z") == [(f"{first}T00:00:00.000Z", 1)]


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"interval": "fortnight"}, 'unit "fortnight" not recognized'),
        ({"interval": "minute", "from": "2000-01-01"}, "too many points"),
        ({"to": "garbage"}, "invalid input syntax"),
    ],
)
async def test_a_series_that_cannot_be_is_refused(api: Api, query: Dict[str, str], complaint: str) -> None:
    answer = await api.call("GET", ANALYTICS, **query)
    assert answer["success"] is False
    assert complaint in answer["error"]
