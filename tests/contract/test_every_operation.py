"""Every operation of the API is asked of the embedded broker, in each of its dialects, through a client."""

from __future__ import annotations

import itertools
from typing import Any, AsyncIterator, Callable, Dict, Iterator, Mapping

import pytest
from queen_api import OPERATIONS, Operation, endpoint
from queen_api.api import queries

pytest.importorskip("jsonschema", reason="the spec is checked where the generator runs")

from queen import Queen, UnsupportedByServerError
from queen.broker import ManualClock, open_broker
from tests.contract.spec import invalid, operations
from tests.populated import GROUP, STREAM, TRACE, Populated, populate

Arguments = Dict[str, Any]

_numbers = itertools.count(1)


def message(there: Populated) -> Arguments:
    return {"partition_id": there.partition_id, "transaction_id": there.pending}


def leased(there: Populated) -> Arguments:
    """The message in hand, as it stands in the body of an ack."""
    return {"transactionId": there.pending, "partitionId": there.partition_id, "leaseId": there.lease_id}


# What each operation is asked; an operation that is new needs an entry.
ARGUMENTS: Mapping[str, Callable[[Populated], Arguments]] = {
    "ack": lambda there: {**message(there), "lease_id": there.lease_id, "status": "completed", "consumer_group": GROUP},
    "ack_batch": lambda there: {
        "acknowledgments": [{**leased(there), "status": "completed"}],
        "consumer_group": GROUP,
    },
    "ack_window": lambda there: {"lease_id": there.window_lease_id, "success": True},
    "commit": lambda there: {
        "operations": [
            {"type": "push", "items": [{"queue": there.queue, "payload": 4}]},
            {"type": "ack", **leased(there), "consumerGroup": GROUP},
        ]
    },
    "configure": lambda there: {"queue": "new", "options": {"leaseTime": 10}},
    "define_stream": lambda there: {
        "name": "another", "namespace": "shop", "source_queue_names": [there.queue], "window_type": "tumbling",
        "window_duration_ms": 1000,
    },
    "delete_group": lambda there: {"group": GROUP, "delete_metadata": True},
    "delete_group_for_queue": lambda there: {"group": GROUP, "queue": there.queue},
    "delete_message": message,
    "delete_queue": lambda there: {"queue": there.queue},
    "delete_stream": lambda there: {"stream": STREAM},
    "extend_lease": lambda there: {"lease_id": there.lease_id, "seconds": 60},
    "get_analytics": lambda there: {"queue": there.queue, "interval": "minute"},
    "get_buffers": lambda there: {},
    "get_group": lambda there: {"group": GROUP},
    "get_maintenance": lambda there: {},
    "get_message": message,
    "get_metrics": lambda there: {},
    "get_overview": lambda there: {},
    "get_parked_replicas": lambda there: {"queue": there.queue},
    "get_pop_maintenance": lambda there: {},
    "get_postgres_stats": lambda there: {},
    "get_prometheus_metrics": lambda there: {},
    "get_query_state": lambda there: {"partition_id": there.partition_id, "key_prefix": "k"},
    "get_queue": lambda there: {"queue": there.queue},
    "get_queue_operations": lambda there: {"queue": there.queue},
    "get_queue_status": lambda there: {"queue": there.queue},
    "get_retention": lambda there: {"queue": there.queue},
    "get_shared_state": lambda there: {},
    "get_status": lambda there: {"queue": there.queue},
    "get_stream": lambda there: {"stream": STREAM},
    "get_stream_stats": lambda there: {},
    "get_system_metrics": lambda there: {"hostname": "localhost"},
    "get_worker_metrics": lambda there: {"worker_id": 0},
    "health": lambda there: {},
    "list_dead_letters": lambda there: {"queue": there.queue, "consumer_group": GROUP},
    "list_groups": lambda there: {},
    "list_lagging_partitions": lambda there: {"min_lag_seconds": 0},
    "list_message_traces": message,
    "list_messages": lambda there: {"queue": there.queue},
    "list_namespaces": lambda there: {},
    "list_queue_lag": lambda there: {"queue": there.queue},
    "list_queue_messages": lambda there: {"queue": there.queue},
    "list_queue_statuses": lambda there: {"namespace": "shop"},
    "list_queues": lambda there: {},
    "list_stream_consumers": lambda there: {"stream": STREAM},
    "list_streams": lambda there: {},
    "list_tasks": lambda there: {},
    "list_trace_names": lambda there: {},
    "list_traces_by_name": lambda there: {"trace_name": TRACE},
    "poll_window": lambda there: {"stream_name": STREAM, "consumer_group": "others", "timeout": 1000},
    "pop_matching": lambda there: {"namespace": "shop"},
    "pop_partition": lambda there: {"queue": there.queue, "partition": "Default"},
    "pop_queue": lambda there: {"queue": there.queue, "batch": 10},
    "push": lambda there: {"items": [{"queue": there.queue, "payload": {"n": 4}}]},
    "record_trace": lambda there: {**message(there), "data": {"text": "shipped"}},
    "refresh_stats": lambda there: {},
    "register_query": lambda there: {"name": "totals", "source_queue": there.queue, "config_hash": "1"},
    "renew_window": lambda there: {"lease_id": there.window_lease_id, "extend_ms": 1000},
    "run_cycle": lambda there: {
        "partition_id": there.partition_id,
        "consumer_group": GROUP,
        "state_ops": [{"type": "upsert", "key": "k", "value": 1}],
        "push_items": [{"queue": "totals", "payload": 1}],
        "ack": {"transactionId": there.pending, "leaseId": there.lease_id},
    },
    "seek_group": lambda there: {"group": GROUP, "queue": there.queue, "to_end": True},
    "seek_partition": lambda there: {"group": GROUP, "queue": there.queue, "partition": "Default"},
    "seek_stream": lambda there: {
        "stream_name": STREAM, "consumer_group": GROUP, "timestamp": "2026-01-31T10:00:00Z",
    },
    "set_maintenance": lambda there: {"enabled": True},
    "set_pop_maintenance": lambda there: {"enabled": True},
    "update_subscription": lambda there: {"group": GROUP, "subscription_timestamp": "2026-01-31T10:00:00Z"},
}  # fmt: skip

# On a query that was registered before.
_OF_A_QUERY = ("get_query_state", "run_cycle")

# What the servers refuse whatever is asked.
_BROKEN = ("list_stream_consumers",)

IN_SPEC = {operation.id: operation for operation in operations()}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def queen(clock: ManualClock, server_dialect: str) -> AsyncIterator[Queen]:
    url = f"memory://operations-{next(_numbers)}"
    broker = open_broker(url, clock=clock, dialect=server_dialect)
    async with Queen(url) as client:
        yield client
    await broker.close()


@pytest.fixture
async def there(queen: Queen, clock: ManualClock, server_dialect: str) -> Populated:
    return await populate(queen, clock, with_stream=server_dialect != "0.15")


def refusals(answer: Any) -> Iterator[object]:
    """What is not a success in an answer or its parts."""
    for part in answer if isinstance(answer, list) else [answer]:
        if isinstance(part, dict) and (part.get("error") or part.get("success") is False):
            yield part


def test_every_operation_has_an_entry() -> None:
    assert {operation.id for operation in OPERATIONS} == set(ARGUMENTS), "each operation needs an entry in ARGUMENTS"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
async def test_every_operation_is_answered_as_the_spec_says(
    queen: Queen, there: Populated, server_dialect: str, operation: Operation
) -> None:
    spec = IN_SPEC[operation.id]
    arguments = ARGUMENTS[operation.id](there)
    if operation.id in _OF_A_QUERY and spec.is_in(server_dialect):
        request = queries.register_query(name="sums", source_queue=there.queue, config_hash="1")
        arguments["query_id"] = (await queen.send(request))["query_id"]
    elif operation.id in _OF_A_QUERY:
        arguments["query_id"] = there.partition_id
    request = endpoint(operation)(**arguments)
    if not spec.is_in(server_dialect):
        with pytest.raises(UnsupportedByServerError) as raised:
            await queen.send(request)
        assert raised.value.route == f"{operation.method} {operation.path}"
        return
    answer = await queen.send(request)
    [content] = spec.responses["200"]["content"].values()
    assert invalid(content["schema"], answer) is None
    assert bool(list(refusals(answer))) == (operation.id in _BROKEN)
