"""Dialect 0.7: the status of the whole broker, and what went through it. The clock starts at 2023-11-14 22:13:20."""

from __future__ import annotations

from typing import Any

from queen.broker import ManualClock
from tests.unit.broker.conftest import Api07

STATUS = "/api/v1/status"
ANALYTICS = "/api/v1/status/analytics"


async def test_the_status_tells_traffic_and_counts(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0, 1, 2)
    clock.advance(60)
    await api07.pop07("q", batch=1, autoAck="true")
    await api07.pop07("q", batch=1)
    status = await api07.call("GET", STATUS)
    assert status["throughput"] == [
        {
            "timestamp": "2023-11-14 22:14:00+00",
            "ingested": 0,
            "processed": 1,
            "ingestedPerSecond": 0,
            "processedPerSecond": 0.02,
        },
        {
            "timestamp": "2023-11-14 22:13:00+00",
            "ingested": 3,
            "processed": 0,
            "ingestedPerSecond": 0.05,
            "processedPerSecond": 0,
        },
    ]
    assert status["timeRange"] == {"from": "2023-11-14T21:14:20.000Z", "to": "2023-11-14T22:14:20.000Z"}
    assert status["messages"] == {
        "total": 3, "pending": 0, "processing": 2, "completed": 1, "failed": 0, "deadLetter": 0,
    }  # fmt: skip
    assert status["leases"] == {"active": 1, "partitionsWithLeases": 1, "totalBatchSize": 1, "totalAcked": 0}
    [queue] = status["queues"]
    shown = {key: queue[key] for key in ("name", "namespace", "task", "partitions", "totalConsumed")}
    assert shown == {"name": "q", "namespace": None, "task": None, "partitions": 1, "totalConsumed": 1}


async def test_the_status_lists_queues_with_messages_of_the_time(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    await api07.configure("empty")
    clock.advance(7200)
    await api07.configure("later")
    await api07.push("later", 0)
    clock.advance(1)

    async def names(**query: Any) -> Any:
        return [queue["name"] for queue in (await api07.call("GET", STATUS, **query))["queues"]]

    assert await names() == ["later"]
    assert await names(**{"from": "2023-11-14T22:00:00Z"}) == ["later", "q"]
    assert await names(**{"from": "2023-11-14T22:00:00Z", "queue": "q"}) == ["q"]
    assert list(await api07.call("GET", STATUS, to="garbage")) == ["error"]


async def test_the_most_frequent_errors_of_dead_letters_come_first(api07: Api07) -> None:
    await api07.configure("q", retryLimit=0)
    for number in range(8):
        await api07.push("q", number, partition=str(number))
        [message] = await api07.pop07("q", str(number))
        await api07.ack07(message, "failed", error="often" if number < 3 else f"once {number}")
    letters = (await api07.call("GET", STATUS))["deadLetterQueue"]
    assert (letters["totalMessages"], letters["affectedPartitions"]) == (8, 0)
    assert [(error["error"], error["count"]) for error in letters["topErrors"]] == [
        ("often", 3),
        *((f"once {number}", 1) for number in range(3, 7)),
    ]


async def test_analytics_count_by_the_hour_the_newest_first(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0, 1)
    clock.advance(3600)
    await api07.push("q", 2)
    await api07.pop07("q", batch=1, autoAck="true")
    clock.advance(1)
    answer = await api07.call("GET", ANALYTICS)
    found = [
        (point["timestamp"], point["ingested"], point["processed"]) for point in answer["throughput"]["timeSeries"]
    ]
    assert len(found) == 25
    assert found[:3] == [
        ("2023-11-14 23:00:00+00", 1, 1),
        ("2023-11-14 22:00:00+00", 2, 0),
        ("2023-11-14 21:00:00+00", 0, 0),
    ]
    totals = answer["throughput"]["totals"]
    assert (totals["ingested"], totals["processed"], answer["errorRates"]["overall"]["processed"]) == (3, 1, 1)
    assert answer["queueDepths"]["current"] == {"pending": 2, "processing": 0}
    assert answer["timeRange"]["interval"] == "hour"


async def test_analytics_have_the_latest_hundred_points(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    clock.advance(1)
    answer = await api07.call("GET", ANALYTICS, interval="minute", **{"from": "1900-01-01T00:00:00Z"})
    series = answer["throughput"]["timeSeries"]
    assert (len(series), series[0]["timestamp"], series[-1]["timestamp"]) == (
        100,
        "2023-11-14 22:13:00+00",
        "2023-11-14 20:34:00+00",
    )
    assert series[0]["ingestedPerSecond"] == 0.02
    for wrong in ({"interval": "fortnight"}, {"from": "garbage"}):
        assert list(await api07.call("GET", ANALYTICS, **wrong)) == ["error"]
