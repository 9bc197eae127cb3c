"""Messages in lists, beyond the recordings. The clock of the tests starts at 2023-11-14 22:13:20."""

from __future__ import annotations

from typing import Any, List

import pytest

from queen.broker import ManualClock
from tests.unit.broker.conftest import Api

PATH = "/api/v1/messages"


async def ids(api: Api, **query: Any) -> List[str]:
    return [message["transactionId"] for message in (await api.call("GET", PATH, **query))["messages"]]


async def test_messages_of_the_last_hour_are_listed_the_newest_first(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0, 1)
    clock.advance(3600)
    await api.push("r", 2)
    assert await ids(api) == ["t2", "t1", "t0"]
    clock.advance(0.000001)
    assert await ids(api) == ["t2"]


async def test_the_start_of_a_time_is_exact_and_its_end_takes_the_whole_minute(api: Api, clock: ManualClock) -> None:
    await api.push("q", 0)
    clock.advance(39.9)
    await api.push("q", 1)
    clock.advance(0.1)
    await api.push("q", 2)
    assert await ids(api, to="2023-11-14T22:13:00Z") == ["t1", "t0"]
    assert await ids(api, **{"from": "2023-11-14T22:13:20Z"}) == ["t2", "t1", "t0"]
    assert await ids(api, **{"from": "2023-11-14T22:13:20.000001Z"}) == ["t2", "t1"]


async def test_lists_are_filtered_by_queue_partition_namespace_and_task(api: Api) -> None:
    await api.push("a.x", 0)
    await api.push("a.x", 1, partition="p")
    await api.push("a.y", 2)
    await api.push("b.x", 3)
    assert await ids(api, queue="a.x") == ["t1", "t0"]
    assert await ids(api, queue="a.x", partition="p") == ["t1"]
    assert await ids(api, ns="a") == ["t2", "t1", "t0"]
    assert await ids(api, task="x", ns="") == ["t3", "t1", "t0"]
    assert await ids(api, ns="a", task="x", partition="Default") == ["t0"]


async def test_pages_are_taken_from_what_has_the_status(api: Api) -> None:
    await api.push("q", 0, 1, 2, 3)
    for message in (await api.pop("q", batch=2))["messages"]:
        await api.ack(message)
    assert await ids(api, status="completed") == ["t1", "t0"]
    assert await ids(api, status="completed", limit=1) == ["t1"]
    assert await ids(api, status="pending", limit=1, offset=1) == ["t2"]
    assert await ids(api, limit=2, offset=3) == ["t0"]


async def test_a_message_is_listed_once_for_each_of_its_dead_letters(api: Api) -> None:
    await api.push("q", 0, 1)
    for group in ("g", "h"):
        popped = await api.pop("q", "Default", consumerGroup=group, batch=1)
        await api.ack(popped["messages"][0], "dlq")
    assert await ids(api) == ["t1", "t0", "t0"]
    assert await ids(api, status="dead_letter") == ["t0", "t0"]
    listed = await api.call("GET", "/api/v1/status/queues/q/messages")
    assert [message["status"] for message in listed] == ["pending", "dead_letter", "dead_letter"]


async def test_a_lease_that_ran_out_is_shown_but_no_longer_processing(api: Api, clock: ManualClock) -> None:
    await api.configure("q", leaseTime=10)
    await api.push("q", 0)
    await api.pop("q")
    shown = []
    for _ in range(2):
        [message] = (await api.call("GET", PATH))["messages"]
        shown.append((message["status"], message["leaseExpiresAt"]))
        clock.advance(10)
    assert shown == [("processing", "2023-11-14T22:13:30.000Z"), ("pending", "2023-11-14T22:13:30.000Z")]


async def test_the_mode_tells_who_consumes_the_queue_whatever_else_is_filtered(api: Api) -> None:
    await api.push("q", 0)
    await api.push("other", 1)

    async def mode(**query: Any) -> Any:
        found = (await api.call("GET", PATH, **query))["mode"]
        return found["hasQueueMode"], found["busGroupsCount"], found["type"]

    assert await mode(queue="q") == (False, 0, "none")
    await api.pop("q")
    assert await mode(queue="q", limit=0) == (True, 0, "queue")
    await api.pop("other", consumerGroup="g")
    await api.pop("other", consumerGroup="h")
    assert await mode(queue="other", partition="none") == (False, 2, "bus")
    assert await mode() == (True, 2, "hybrid")


@pytest.mark.parametrize("wrong", [{"offset": -1}, {"limit": -1}, {"to": "garbage"}, {"from": "0001-01-01T00:00+01"}])
async def test_what_the_database_cannot_read_is_refused(api: Api, wrong: Any) -> None:
    answer = await api.call("GET", PATH, **wrong)
    assert (list(answer), answer["success"]) == (["error", "success"], False)
