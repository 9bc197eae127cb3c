"""``queen.admin``: every method gives what its signature promises, and what operators do has its effect."""

from __future__ import annotations

import inspect
import itertools
from datetime import datetime, timedelta, timezone
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, List
from urllib.parse import parse_qs, urlsplit

import pytest
from queen_api import models
from typing_extensions import get_type_hints

from queen import ClientClosedError, Queen, ServerRefusedError, UnsupportedByServerError
from queen.admin.admin import Admin
from queen.broker import Broker, ManualClock, open_broker
from tests.populated import GROUP, STREAM, TRACE, Populated, populate
from tests.scripted_server import ScriptedServer, answers
from tests.typed_dicts import mismatches

Call = Callable[[Admin, Populated], Awaitable[object]]

CALLS: Dict[str, Call] = {
    "delete_consumer_group": lambda admin, there: admin.delete_consumer_group(GROUP),
    "delete_consumer_group_for_queue": lambda admin, there: admin.delete_consumer_group_for_queue(GROUP, there.queue),
    "delete_message": lambda admin, there: admin.delete_message(there.partition_id, there.pending),
    "delete_queue": lambda admin, there: admin.delete_queue(there.queue),
    "delete_stream": lambda admin, there: admin.delete_stream(STREAM),
    "get_analytics": lambda admin, there: admin.get_analytics(interval="minute", queue=there.queue),
    "get_buffers": lambda admin, there: admin.get_buffers(),
    "get_consumer_group": lambda admin, there: admin.get_consumer_group(GROUP),
    "get_lagging_consumers": lambda admin, there: admin.get_lagging_consumers(0),
    "get_maintenance_mode": lambda admin, there: admin.get_maintenance_mode(),
    "get_message": lambda admin, there: admin.get_message(there.partition_id, there.pending),
    "get_namespaces": lambda admin, there: admin.get_namespaces(),
    "get_overview": lambda admin, there: admin.get_overview(),
    "get_parked_replicas": lambda admin, there: admin.get_parked_replicas(queue=there.queue),
    "get_pop_maintenance_mode": lambda admin, there: admin.get_pop_maintenance_mode(),
    "get_postgres_stats": lambda admin, there: admin.get_postgres_stats(),
    "get_queue": lambda admin, there: admin.get_queue(there.queue),
    "get_queue_detail": lambda admin, there: admin.get_queue_detail(there.queue),
    "get_queue_lag": lambda admin, there: admin.get_queue_lag(queue=there.queue),
    "get_queue_operations": lambda admin, there: admin.get_queue_operations(queue=there.queue),
    "get_queue_stats": lambda admin, there: admin.get_queue_stats(namespace="shop", task="orders", limit=1, offset=0),
    "get_retention": lambda admin, there: admin.get_retention(queue=there.queue),
    "get_shared_state": lambda admin, there: admin.get_shared_state(),
    "get_status": lambda admin, there: admin.get_status(queue=there.queue, namespace="shop", task="orders"),
    "get_stream": lambda admin, there: admin.get_stream(STREAM),
    "get_stream_stats": lambda admin, there: admin.get_stream_stats(),
    "get_system_metrics": lambda admin, there: admin.get_system_metrics(hostname="h", worker_id="0"),
    "get_tasks": lambda admin, there: admin.get_tasks(),
    "get_trace_names": lambda admin, there: admin.get_trace_names(limit=1, offset=0),
    "get_traces_by_name": lambda admin, there: admin.get_traces_by_name(TRACE, limit=5),
    "get_traces_for_message": lambda admin, there: admin.get_traces_for_message(there.partition_id, there.pending),
    "get_worker_metrics": lambda admin, there: admin.get_worker_metrics(hostname="h", worker_id=0),
    "health": lambda admin, there: admin.health(),
    "list_consumer_groups": lambda admin, there: admin.list_consumer_groups(),
    "list_messages": lambda admin, there: admin.list_messages(
        queue=there.queue, partition="Default", namespace="shop", task="orders"
    ),
    "list_queue_messages": lambda admin, there: admin.list_queue_messages(there.queue, limit=5),
    "list_queues": lambda admin, there: admin.list_queues(),
    "list_streams": lambda admin, there: admin.list_streams(),
    "metrics": lambda admin, there: admin.metrics(),
    "prometheus_metrics": lambda admin, there: admin.prometheus_metrics(),
    "refresh_consumer_stats": lambda admin, there: admin.refresh_consumer_stats(),
    "seek_consumer_group": lambda admin, there: admin.seek_consumer_group(GROUP, there.queue, to_end=True),
    "seek_consumer_group_partition": lambda admin, there: admin.seek_consumer_group_partition(
        GROUP, there.queue, "Default"
    ),
    "set_maintenance_mode": lambda admin, there: admin.set_maintenance_mode(True),
    "set_pop_maintenance_mode": lambda admin, there: admin.set_pop_maintenance_mode(True),
}

# What a server has no route for.
LACKING = {
    "embedded": set(),
    "0.15": {"delete_stream", "get_stream", "get_stream_stats", "list_streams"},
    "0.7": {
        "delete_consumer_group_for_queue", "get_parked_replicas", "get_pop_maintenance_mode", "get_postgres_stats",
        "get_queue_lag", "get_queue_operations", "get_retention", "get_shared_state", "get_worker_metrics",
        "prometheus_metrics", "refresh_consumer_stats", "seek_consumer_group", "seek_consumer_group_partition",
        "set_pop_maintenance_mode",
    },
}  # fmt: skip

_numbers = itertools.count(1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def url() -> str:
    return f"memory://admin-{next(_numbers)}"


@pytest.fixture
async def broker(url: str, clock: ManualClock, server_dialect: str) -> AsyncIterator[Broker]:
    opened = open_broker(url, clock=clock, dialect=server_dialect)
    yield opened
    await opened.close()


@pytest.fixture
async def queen(url: str, broker: Broker) -> AsyncIterator[Queen]:
    async with Queen(url) as client:
        yield client


@pytest.fixture
async def there(queen: Queen, clock: ManualClock, server_dialect: str) -> Populated:
    return await populate(queen, clock, with_stream=server_dialect != "0.15")


async def pop(queen: Queen, queue: str) -> List[Any]:
    popped = await queen.queue(queue).group(GROUP).batch(9).pop()
    await queen.ack(popped, True)
    return [message.data["n"] for message in popped]


def test_every_method_is_called() -> None:
    assert sorted(name for name in dir(Admin) if not name.startswith("_")) == sorted(CALLS)


def test_every_method_says_what_it_takes_and_raises() -> None:
    for name in CALLS:
        method = getattr(Admin, name)
        assert "Raises:" in (inspect.getdoc(method) or ""), name
        for parameter in list(inspect.signature(method).parameters)[1:]:
            assert f"    {parameter}: " in (inspect.getdoc(method) or ""), f"{name}: {parameter}"


@pytest.mark.parametrize("name", CALLS)
async def test_every_method_gives_what_its_signature_promises(
    queen: Queen, there: Populated, server_dialect: str, name: str
) -> None:
    if name in LACKING[server_dialect]:
        with pytest.raises(UnsupportedByServerError):
            await CALLS[name](queen.admin, there)
        return
    answer = await CALLS[name](queen.admin, there)
    promised = get_type_hints(getattr(Admin, name), localns=vars(models))["return"]
    assert list(mismatches(promised, answer)) == []


async def test_listings_show_what_there_is(queen: Queen, there: Populated, server_dialect: str) -> None:
    if server_dialect != "0.7":
        await queen.admin.refresh_consumer_stats()
    [queue] = (await queen.admin.list_queues())["queues"]
    assert (queue["name"], queue["namespace"], queue["task"]) == ("orders", "shop", "orders")
    assert [found["namespace"] for found in (await queen.admin.get_namespaces())["namespaces"]] == ["shop"]
    assert [found["task"] for found in (await queen.admin.get_tasks())["tasks"]] == ["orders"]
    assert [found["name"] for found in (await queen.admin.get_queue(there.queue))["partitions"]] == ["Default"]
    [group] = await queen.admin.list_consumer_groups()
    assert (group["name"], group["queueName"]) == (GROUP, there.queue)
    assert list(await queen.admin.get_consumer_group(GROUP)) == [there.queue]
    assert [found["trace_name"] for found in (await queen.admin.get_trace_names())["trace_names"]] == [TRACE]
    assert (await queen.admin.get_overview())["queues"] == 1


async def test_messages_are_listed_looked_at_and_deleted(queen: Queen, there: Populated, clock: ManualClock) -> None:
    clock.advance(1)
    newest_first = (await queen.admin.list_messages(queue=there.queue))["messages"]
    assert [message["status"] for message in newest_first] == ["pending", "pending", "dead_letter"]
    assert newest_first[1]["transactionId"] == there.pending
    pending = (await queen.admin.list_messages(queue=there.queue, status="pending", limit=1, offset=1))["messages"]
    assert [message["transactionId"] for message in pending] == [there.pending]
    assert (await queen.admin.get_message(there.partition_id, there.pending))["payload"] == {"n": 2}
    assert (await queen.admin.delete_message(there.partition_id, there.pending)).get("success")
    with pytest.raises(ServerRefusedError, match="Message not found"):
        await queen.admin.get_message(there.partition_id, there.pending)


async def test_lagging_groups_are_those_behind_for_longer(queen: Queen, there: Populated, clock: ManualClock) -> None:
    clock.advance(100)
    assert [found["consumer_group"] for found in await queen.admin.get_lagging_consumers()] == [GROUP]
    assert await queen.admin.get_lagging_consumers(min_lag_seconds=200) == []


@pytest.mark.dialects("embedded", "0.15")
async def test_a_group_is_moved_to_the_end_and_to_a_time(queen: Queen, there: Populated) -> None:
    moved = await queen.admin.seek_consumer_group(GROUP, there.queue, to_end=True)
    assert (moved["seekToEnd"], moved["partitionsUpdated"]) == (True, 1)
    assert await pop(queen, there.queue) == []
    long_ago = datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    moved = await queen.admin.seek_consumer_group(GROUP, there.queue, timestamp=long_ago)
    assert moved["targetTimestamp"] == "2019-12-31T23:00:00.000Z"
    assert await pop(queen, there.queue) == [1, 2, 3]


@pytest.mark.dialects("embedded", "0.15")
async def test_a_group_is_moved_on_one_partition(queen: Queen, there: Populated) -> None:
    await queen.queue(there.queue).partition("other").push([{"data": {"n": 4}}])
    moved = await queen.admin.seek_consumer_group_partition(GROUP, there.queue, "Default")
    assert (moved["updated"], moved["partitionName"]) == (True, "Default")
    assert await pop(queen, there.queue) == [4]


@pytest.mark.dialects("embedded", "0.15")
async def test_a_group_is_deleted_from_one_queue(queen: Queen, there: Populated) -> None:
    await queen.queue("invoices").push([{"data": {"n": 9}}])
    assert await pop(queen, "invoices") == [9]
    deleted = await queen.admin.delete_consumer_group_for_queue(GROUP, there.queue)
    assert deleted["success"]
    assert await pop(queen, there.queue) == [1, 2, 3]
    assert await pop(queen, "invoices") == []


@pytest.mark.dialects("embedded", "0.15")
async def test_a_group_that_was_deleted_from_a_queue_subscribes_there_anew(
    queen: Queen, there: Populated, clock: ManualClock
) -> None:
    clock.advance(60)
    subscribed = queen.queue(there.queue).group("late").subscription_mode("new")
    assert await subscribed.pop() == []
    await queen.queue(there.queue).push([{"data": {"n": 4}}])
    clock.advance(60)
    await queen.admin.delete_consumer_group_for_queue("late", there.queue)
    assert await subscribed.pop() == [], "what was pushed before it subscribed again is not new"


async def test_while_pushes_are_held_back_they_are_buffered(queen: Queen, there: Populated) -> None:
    assert (await queen.admin.set_maintenance_mode(True))["maintenanceMode"]
    [held] = await queen.queue(there.queue).push([{"data": {"n": 4}}])
    assert held["status"] == "buffered"
    assert (await queen.admin.get_maintenance_mode())["maintenanceMode"]
    assert not (await queen.admin.set_maintenance_mode(False))["maintenanceMode"]


@pytest.mark.dialects("embedded", "0.15")
async def test_while_pops_are_held_back_they_are_empty(queen: Queen, there: Populated) -> None:
    assert (await queen.admin.set_pop_maintenance_mode(True))["popMaintenanceMode"]
    assert await queen.queue(there.queue).pop() == []
    assert (await queen.admin.get_pop_maintenance_mode())["popMaintenanceMode"]
    await queen.admin.set_pop_maintenance_mode(False)
    assert len(await queen.queue(there.queue).batch(9).pop()) == 3


@pytest.mark.dialects("embedded", "0.7")
async def test_streams_are_shown_and_deleted(queen: Queen, there: Populated) -> None:
    assert [stream["name"] for stream in (await queen.admin.list_streams())["streams"]] == [STREAM]
    assert (await queen.admin.get_stream_stats())["totalStreams"] == 1
    await queen.admin.delete_stream(STREAM)
    with pytest.raises(ServerRefusedError, match="Stream not found"):
        await queen.admin.get_stream(STREAM)


async def test_arguments_arrive_as_the_server_names_them() -> None:
    noon = datetime(2026, 1, 31, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    async with ScriptedServer(lambda _: answers({})) as server, Queen(server.url) as queen:
        await queen.admin.list_messages(
            queue="a b", partition="p", namespace="n", task="t", status="pending",
            from_=noon, to="2026-01-31", limit=5, offset=10,
        )  # fmt: skip
        await queen.admin.get_analytics(from_=noon, interval="day")
    assert [parse_qs(urlsplit(received.target).query) for received in server.received] == [
        {
            "queue": ["a b"], "partition": ["p"], "ns": ["n"], "task": ["t"], "status": ["pending"],
            "from": ["2026-01-31T12:00:00Z"], "to": ["2026-01-31"], "limit": ["5"], "offset": ["10"],
        },
        {"from": ["2026-01-31T12:00:00Z"], "interval": ["day"]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "call",
    [
        lambda admin: admin.get_queue("a/b"),
        lambda admin: admin.get_message("p", "a b"),
        lambda admin: admin.list_messages(limit=0),
        lambda admin: admin.list_messages(limit=2**31),
        lambda admin: admin.list_messages(offset=-1),
        lambda admin: admin.list_messages(status="failed"),
        lambda admin: admin.list_messages(queue=""),
        lambda admin: admin.get_status(from_="yesterday-ish"),
        lambda admin: admin.get_status(to=datetime(2026, 1, 31)),
        lambda admin: admin.get_analytics(interval="week"),
        lambda admin: admin.get_lagging_consumers(-1),
        lambda admin: admin.seek_consumer_group("g", "q", to_end=1),
        lambda admin: admin.delete_consumer_group_for_queue("g", "q", "yes"),
        lambda admin: admin.set_maintenance_mode("on"),
        lambda admin: admin.set_pop_maintenance_mode(0),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(call: Callable[[Admin], Awaitable[object]]) -> None:
    with pytest.raises((TypeError, ValueError), match=r"accepted|give an aware"):
        await call(Queen("http://127.0.0.1:1").admin)


@pytest.mark.parametrize("where", [{}, {"timestamp": "2026-01-31", "to_end": True}])
async def test_a_seek_says_one_place(where: Dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="only one of them"):
        await Queen("http://127.0.0.1:1").admin.seek_consumer_group("g", "q", **where)


async def test_a_closed_client_says_so() -> None:
    queen = Queen("http://127.0.0.1:1")
    await queen.close()
    with pytest.raises(ClientClosedError):
        await queen.admin.health()
