"""Dialect 0.7: what listings say beyond the recordings."""

from __future__ import annotations

from typing import Any

import pytest

from queen.broker import ManualClock
from tests.unit.broker.conftest import Api07


async def test_pending_of_a_queue_is_a_counter(api07: Api07) -> None:
    async def pending() -> int:
        detail = await api07.call("GET", "/api/v1/resources/queues/q")
        return int(detail["totals"]["pending"])

    await api07.push("q", 0)
    assert await pending() == 0
    popped = await api07.pop07("q")
    await api07.push("q", 1, 2, 3)
    assert await pending() == 3
    await api07.ack07(popped[0])
    assert await pending() == 3
    popped = await api07.pop07("q")
    await api07.ack_batch07(popped[:2], "completed", "completed")
    assert await pending() == 1


async def test_counts_of_queues_are_live(api07: Api07) -> None:
    async def counts() -> Any:
        [queue] = (await api07.call("GET", "/api/v1/resources/queues"))["queues"]
        return [queue["messages"][key] for key in ("total", "pending", "processing")]

    await api07.push("q", 0, 1)
    await api07.push("q", 2, partition="p")
    assert await counts() == [3, 3, 0]
    first, _ = await api07.pop07("q", "Default")
    assert await counts() == [3, 1, 2]
    await api07.ack07(first)
    assert await counts() == [3, 1, 1]
    # Read by queue mode, but not by the group.
    await api07.pop07("q", "Default", consumerGroup="g", batch=0)
    assert await counts() == [3, 2, 1]


async def test_a_queue_without_namespace_shows_null_in_the_list_alone(api07: Api07) -> None:
    [queue] = (await api07.call("GET", "/api/v1/resources/queues"))["queues"]
    assert (queue["namespace"], queue["task"]) == (None, None)
    for path in ("/api/v1/resources/namespaces", "/api/v1/resources/tasks"):
        [[entry]] = (await api07.call("GET", path)).values()
        assert [entry.get("namespace"), entry.get("task")].count("") == 1


async def test_messages_of_the_running_second_are_not_listed(api07: Api07, clock: ManualClock) -> None:
    clock.advance(0.5)
    await api07.push("q", 0)
    assert (await api07.call("GET", "/api/v1/messages"))["messages"] == []
    clock.advance(0.5)
    assert len((await api07.call("GET", "/api/v1/messages"))["messages"]) == 1
    clock.advance(3600)
    assert (await api07.call("GET", "/api/v1/messages"))["messages"] == []


async def test_messages_of_groups_are_completed_when_all_have_read_them(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    clock.advance(1)

    async def status(**query: Any) -> Any:
        answer = await api07.call("GET", "/api/v1/messages", **query)
        return [(entry["status"], entry["busStatus"]["consumedBy"]) for entry in answer["messages"]]

    assert await status(status="pending") == [("pending", 0)]
    await api07.pop07("q", consumerGroup="g", autoAck="true")
    await api07.pop07("q", consumerGroup="h", batch=0)
    assert await status() == [("pending", 1)]
    assert await status(status="pending") == [("pending", 1)]
    await api07.pop07("q", consumerGroup="h", autoAck="true")
    assert await status(status="completed") == [("completed", 2)]
    assert list(await api07.call("GET", "/api/v1/messages", status="processing")) == ["error"]


@pytest.mark.parametrize(
    ("pushed", "shown"),
    [
        ({"a": [1]}, {"a": [1]}),
        (None, None),
        (1, "1.000000"),
        (1.5, "1.500000"),
        (True, "true"),
        ("", None),
        ("5", 5),
        ("text", "text"),
    ],
    ids=str,
)
async def test_payloads_that_are_no_documents_are_altered(api07: Api07, pushed: Any, shown: Any) -> None:
    await api07.call("POST", "/api/v1/push", {"items": [{"queue": "q", "payload": pushed}]})
    [message] = await api07.pop07("q")
    assert message["data"] == pushed
    path = f"/api/v1/messages/{message['partitionId']}/{message['transactionId']}"
    assert (await api07.call("GET", path))["payload"] == shown


async def test_dead_letters_are_filtered_and_paged(api07: Api07, clock: ManualClock) -> None:
    await api07.configure("q", retryLimit=0)
    for name in ("a", "b"):
        await api07.push("q", name, partition=name)
        [message] = await api07.pop07("q", name)
        await api07.ack07(message, "failed")
        clock.advance(1)
    assert await api07.dead_letters07("q") == ["b", "a"]
    assert await api07.dead_letters07("q", partition="a") == ["a"]
    assert await api07.dead_letters07("q", limit=1, offset=1) == ["a"]
    # The clock of the tests starts at 2023-11-14 22:13:20.
    assert await api07.dead_letters07("q", **{"from": "2023-11-14T22:13:21Z"}) == ["b"]
    assert await api07.dead_letters07("q", to="2023-11-14T22:13:20Z") == ["a"]
    page = await api07.call("GET", "/api/v1/dlq", limit=0)
    assert page == {"messages": [], "total": 2, "limit": 0, "offset": 0}
    for wrong in ({"limit": -1}, {"offset": -1}, {"from": "garbage"}):
        assert list(await api07.call("GET", "/api/v1/dlq", **wrong)) == ["error"]


async def test_a_group_lags_when_its_oldest_unread_message_is_old(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0)
    await api07.pop07("q", consumerGroup="g", batch=0)
    clock.advance(301)
    [group] = await api07.call("GET", "/api/v1/consumer-groups")
    assert (group["state"], group["maxTimeLag"], group["totalLag"]) == ("Lagging", 301, 1)
    path = "/api/v1/consumer-groups/lagging"
    [lag] = await api07.call("GET", path, minLagSeconds=300)
    assert (lag["consumer_group"], lag["offset_lag"], lag["time_lag_seconds"], lag["lag_hours"]) == ("g", 1, 301, 0.08)
    assert (lag["oldest_unconsumed_at"], lag["last_consumed_at"]) == ("2023-11-14 22:13:20+00", None)
    assert await api07.call("GET", path, minLagSeconds=301) == []
    assert await api07.call("GET", path) == []
    assert await api07.call("GET", path, minLagSeconds="x") == {"error": "stoi"}


async def test_status_sorts_by_priority_and_adds_equal_counts_once(api07: Api07) -> None:
    await api07.configure("a")
    await api07.configure("z", priority=5)
    for name in ("x", "y"):
        await api07.push("z", name, partition=name)
        await api07.pop07("z", name, autoAck="true")
    listed = await api07.call("GET", "/api/v1/status/queues", limit=2)
    assert [queue["name"] for queue in listed["queues"]] == ["z", "a"]
    counted = {key: listed["queues"][0]["messages"][key] for key in ("total", "completed", "pending")}
    assert (counted, listed["pagination"]["total"]) == ({"total": 2, "completed": 1, "pending": 1}, 2)


async def test_ages_are_told_in_two_units(api07: Api07, clock: ManualClock) -> None:
    ages = []
    await api07.push("q", 0)
    for seconds in (42, 145, 3200):
        clock.advance(seconds)
        listed = await api07.call("GET", "/api/v1/status/queues/q/messages")
        ages.append(listed["messages"][0]["age"] if listed["messages"] else None)
    assert [age and (age["seconds"], age["formatted"]) for age in ages] == [
        (42.0, "42s"),
        (187.0, "3m 7s"),
        (3387.0, "56m 27s"),
    ]


async def test_the_overview_counts_everything(api07: Api07, clock: ManualClock) -> None:
    await api07.push("q", 0, 1)
    [first] = await api07.pop07("q", batch=1)
    await api07.ack07(first)
    await api07.pop07("q", consumerGroup="g", batch=0)
    clock.advance(10)
    overview = await api07.call("GET", "/api/v1/resources/overview")
    assert overview["messages"] == {
        "total": 2, "pending": 2, "processing": 0, "completed": 1, "failed": 0, "deadLetter": 0,
    }  # fmt: skip
    assert overview["lag"]["offset"] == {"avg": 1.5, "median": 1.5, "min": 1, "max": 2}
    assert (overview["lag"]["time"]["max"], overview["timestamp"]) == (10, "2023-11-14T22:13:30.000Z")


async def test_traces_keep_the_names_that_are_texts(api07: Api07) -> None:
    await api07.push("q", 0)
    [message] = await api07.pop07("q")
    where = {key: message[key] for key in ("transactionId", "partitionId")}
    body = {**where, "data": None}
    for names in ("lone", ["b", "", 5, "a"], 7, None):
        assert await api07.call("POST", "/api/v1/traces", {**body, "traceNames": names}) == {"success": True}
    listed = await api07.call("GET", f"/api/v1/traces/{message['partitionId']}/{message['transactionId']}")
    assert [trace["trace_names"] for trace in listed["traces"]] == [["lone"], ["a", "b"], [], []]
    wrong = {**body, "partitionId": "bad"}
    assert await api07.call("POST", "/api/v1/traces", wrong) == {"error": "Failed to record trace"}
    assert await api07.call("POST", "/api/v1/traces", where) == {"error": "data is required"}
    page = await api07.call("GET", "/api/v1/traces/by-name/a", offset=1)
    assert (page["count"], page["total"], page["traces"]) == (0, 1, [])
