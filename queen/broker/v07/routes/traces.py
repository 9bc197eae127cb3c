"""Trace events."""

from __future__ import annotations

import json
import sqlite3
from typing import List, cast

from queen_api.models import NamedTraceEvent, NamedTraceList, TraceEvent, TraceList, TraceNameList
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import traces
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.traces import Event
from queen.broker.failures import DatabaseRefusalError
from queen.broker.http import Answer, Call
from queen.broker.paging import page_of
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.v07.answers import answered
from queen.broker.v07.fields import refusal, text

_THREAD: Final = "0"
_EVENTS: Final = 100
_NAMES: Final = 50


async def record_trace(backend: Backend, call: Call) -> Answer:
    """Record an event of a message."""
    fields = call.fields()
    if "transactionId" not in fields or "partitionId" not in fields:
        raise refusal("transactionId and partitionId are required")
    if "data" not in fields:
        raise refusal("data is required")
    event = Event(
        transaction_id=text(fields, "transactionId", ""),
        partition_id=text(fields, "partitionId", ""),
        group=text(fields, "consumerGroup", QUEUE_MODE),
        event_type=text(fields, "eventType", "info"),
        data=fields["data"],
        names=_names(fields.get("traceNames")),
    )
    try:
        trace_id = await backend.store.run(lambda tx: traces.record(tx, event))
    except DatabaseRefusalError:
        trace_id = None
    if trace_id is None:
        raise refusal("Failed to record trace")
    return answered({"success": True})


async def list_message_traces(backend: Backend, call: Call) -> Answer:
    """The events of a message."""
    partition, transaction = call.path["partitionId"], call.path["transactionId"]
    found = await backend.store.run(lambda tx: traces.of_message(tx, partition, transaction))
    answer: TraceList = {"traces": [_event(row, names) for row, names in found], "count": len(found)}
    return answered(answer)


async def list_traces_by_name(backend: Backend, call: Call) -> Answer:
    """The events under one name, which is not decoded."""
    name, page = call.path["traceName"], page_of(call.query, _EVENTS)
    found = await backend.store.run(lambda tx: traces.by_name(tx, name))
    listed = [_named_event(row, names) for row, names in found[page.offset : page.offset + page.limit]]
    answer: NamedTraceList = {
        "traces": listed,
        "count": len(listed),
        "total": len(found),
        "limit": page.limit,
        "offset": page.offset,
    }
    return answered(answer)


async def list_trace_names(backend: Backend, call: Call) -> Answer:
    """The names in use, the latest used first."""
    page = page_of(call.query, _NAMES)
    rows, total = await backend.store.run(lambda tx: traces.names(tx, page.limit, page.offset))
    answer: TraceNameList = {
        "trace_names": [
            {
                "trace_name": row["name"],
                "trace_count": row["traces"],
                "message_count": row["messages"],
                "last_seen": timestamps.postgres(row["last_seen"]),
            }
            for row in rows
        ],
        "count": len(rows),
        "total": total,
        "limit": page.limit,
        "offset": page.offset,
    }
    return answered(answer)


ROUTES: RouteTable = [
    ("POST", "/api/v1/traces", record_trace),
    ("GET", "/api/v1/traces/names", list_trace_names),
    ("GET", "/api/v1/traces/by-name/{traceName}", list_traces_by_name),
    ("GET", "/api/v1/traces/{partitionId}/{transactionId}", list_message_traces),
]


def _names(value: object) -> List[str]:
    if isinstance(value, str):
        return [value]
    listed = cast("List[object]", value) if isinstance(value, list) else []
    return [name for name in listed if isinstance(name, str) and name]


def _event(row: sqlite3.Row, names: List[str]) -> TraceEvent:
    return {
        "id": row["uuid"],
        "event_type": row["event_type"],
        "data": json.loads(row["data"]),
        "consumer_group": row["consumer_group"],
        "worker_id": _THREAD,
        "created_at": timestamps.postgres(row["created_at"]),
        "trace_names": names,
    }


def _named_event(row: sqlite3.Row, names: List[str]) -> NamedTraceEvent:
    return {
        **_event(row, names),
        "transaction_id": row["transaction_id"],
        "partition_id": row["partition_uuid"],
        "queue_name": row["queue"],
        "partition_name": row["partition"],
        "message_payload": json.loads(row["payload"]),
    }
