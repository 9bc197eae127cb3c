"""Maintenance in the dialects of server 0.15: what the recordings do not show."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from queen.broker import Broker, ManualClock, open_broker
from tests.conftest import served_broker
from tests.unit.broker.conftest import Api, data
from tests.unit.broker.test_time import until_parked

PUSH, POP = "/api/v1/system/maintenance", "/api/v1/system/maintenance/pop"


async def switch(api: Api, path: str, on: bool) -> Any:
    return await api.call("POST", path, {"enabled": on})


async def push_items(api: Api, *items: Any) -> None:
    response = await api.request("POST", "/api/v1/push", {"items": [{"queue": "q", **item} for item in items]})
    assert (response.status_code, {result["status"] for result in response.json()}) == (201, {"buffered"})


async def test_what_was_held_back_is_stored_in_order_at_the_time_at_which_maintenance_ends(
    api: Api, clock: ManualClock
) -> None:
    await api.push("q", 0)
    await switch(api, PUSH, True)
    await push_items(api, {"payload": 1}, {"payload": {"b": 1, "a": None}})
    await push_items(api, {"payload": "again", "transactionId": "t0"}, {"payload": 3})
    shown = await api.call("GET", PUSH)
    assert (shown["bufferedMessages"], shown["bufferStats"]["pendingCount"]) == (4, 4)
    assert (await api.call("GET", "/api/v1/status/buffers"))["pending"] == 4
    assert data(await api.pop("q", autoAck="true")) == [0]
    clock.advance(60)
    assert (await switch(api, PUSH, False))["bufferedMessages"] == 0
    popped = await api.pop("q")
    assert data(popped) == [1, {"b": 1, "a": None}, 3]
    # The clock of the tests starts at 2023-11-14 22:13:20.
    assert {message["createdAt"] for message in popped["messages"]} == {"2023-11-14T22:14:20.000000Z"}
    assert (await api.call("GET", "/api/v1/status/buffers"))["pending"] == 0
    assert [result["status"] for result in await api.push("q", 4)] == ["queued"]


async def test_a_queue_that_was_held_back_is_created_as_a_push_creates_it(api: Api) -> None:
    await switch(api, PUSH, True)
    await push_items(api, {"queue": "space.job.rest", "payload": 1})
    assert (await api.call("GET", "/api/v1/resources/queues"))["queues"] == []
    await switch(api, PUSH, False)
    [queue] = (await api.call("GET", "/api/v1/resources/queues"))["queues"]
    assert (queue["name"], queue["namespace"], queue["task"]) == ("space.job.rest", "space", "job")


async def test_a_poll_that_waits_gets_what_was_held_back(api: Api, broker: Broker) -> None:
    await switch(api, PUSH, True)
    poll = asyncio.ensure_future(api.pop("q", wait="true", timeout=60_000))
    await until_parked(broker)
    await push_items(api, {"payload": 1})
    await until_parked(broker)
    assert not poll.done()
    await switch(api, PUSH, False)
    assert data(await poll) == [1]


@pytest.mark.parametrize(
    "unstorable",
    [{"queue": "x" * 256}, {"partition": "x" * 256}, {"transactionId": "x" * 256}, {"traceId": "x"}, {"payload": "\0"}],
    ids=lambda item: next(iter(item)),
)
async def test_what_cannot_be_stored_does_not_hold_up_the_rest(api: Api, unstorable: Any) -> None:
    await switch(api, PUSH, True)
    await push_items(api, {"payload": 1}, unstorable, {"payload": 2})
    assert (await switch(api, PUSH, False))["bufferedMessages"] == 0
    assert data(await api.pop("q")) == [1, 2]
    assert len((await api.call("GET", "/api/v1/resources/queues"))["queues"]) == 1


@pytest.mark.parametrize("dialect", ["embedded", "0.15"])
async def test_maintenance_and_what_it_holds_back_outlive_the_broker(tmp_path: Path, dialect: str) -> None:
    url = f"sqlite:///{tmp_path}/queen.db"
    broker = open_broker(url, dialect=dialect)
    for path in (PUSH, POP):
        await switch(Api(broker), path, True)
    for number in range(3):
        await push_items(Api(broker), {"payload": number})
    await broker.close()

    broker = open_broker(url, dialect=dialect)
    api = Api(broker)
    await push_items(api, {"payload": 3})
    shown = await api.call("GET", PUSH)
    assert (shown["maintenanceMode"], shown["popMaintenanceMode"], shown["bufferedMessages"]) == (True, True, 4)
    assert (await api.request("GET", "/api/v1/pop/queue/q")).status_code == 204
    for path in (POP, PUSH):
        await switch(api, path, False)
    await broker.close()

    broker = open_broker(url, dialect=dialect)
    assert data(await Api(broker).pop("q")) == [0, 1, 2, 3]
    await broker.close()


async def test_what_server_07_holds_back_is_stored_in_another_dialect(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/queen.db"
    broker = open_broker(url, dialect="0.7")
    await Api(broker).configure("q")
    await switch(Api(broker), PUSH, True)
    await Api(broker).push("q", 1, 2)
    await broker.close()
    broker = open_broker(url)
    await switch(Api(broker), PUSH, False)
    assert data(await Api(broker).pop("q")) == [1, 2]
    await broker.close()


@pytest.mark.parametrize(
    "path", ["/api/v1/pop", "/api/v1/pop/queue/q", "/api/v1/pop/queue/q/partition/Default", "/api/v1/pop/queue/none"]
)
@pytest.mark.parametrize("query", [{}, {"wait": "true"}, {"batch": -1}], ids=str)
async def test_pops_in_maintenance_get_nothing_at_once_and_take_nothing(api: Api, path: str, query: Any) -> None:
    await api.push("q", 1)
    await switch(api, POP, True)
    response = await api.request("GET", path, **query)
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers
    await switch(api, POP, False)
    assert data(await api.pop("q", "Default")) == [1]


async def test_a_poll_that_waits_already_is_not_stopped_by_maintenance(api: Api, broker: Broker) -> None:
    poll = asyncio.ensure_future(api.pop("q", wait="true", timeout=60_000))
    await until_parked(broker)
    await switch(api, POP, True)
    await api.push("q", 1)
    assert data(await poll) == [1]


async def test_acks_and_leases_go_on_while_pops_get_nothing(api: Api) -> None:
    await api.push("q", 1)
    popped = await api.pop("q")
    await switch(api, POP, True)
    [renewed] = await api.call("POST", f"/api/v1/lease/{popped['leaseId']}/extend", {"seconds": 60})
    assert renewed["success"]
    assert (await api.ack(popped["messages"][0]))["success"]


def test_a_connection_can_be_used_again_after_a_pop_in_maintenance() -> None:
    with served_broker("0.15") as url, httpx.Client(base_url=url) as client:
        client.post(POP, json={"enabled": True})
        for _ in range(2):
            assert client.get("/api/v1/pop/queue/q", params={"wait": "true"}).status_code == 204
            assert client.get(POP).json()["popMaintenanceMode"] is True


@pytest.mark.parametrize(("path", "shown"), [(PUSH, "maintenance_mode"), (POP, "pop_maintenance_mode")])
async def test_health_and_shared_state_tell_which_maintenance_is_on(api: Api, path: str, shown: str) -> None:
    for on in (True, False):
        await switch(api, path, on)
        state = await api.call("GET", "/api/v1/system/shared-state")
        assert {key for key, value in state.items() if key.endswith("_mode") and value} == ({shown} if on else set())
        assert (await api.call("GET", "/health"))["shared_state"] == state
