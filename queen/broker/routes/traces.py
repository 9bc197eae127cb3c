"""Trace events."""

from __future__ import annotations

import json
import sqlite3
from typing import List, cast
from urllib.parse import unquote_plus

from queen_api.models import NamedTraceEvent, NamedTraceList, TraceEvent, TraceNameList

from queen.broker import timestamps
from queen.broker.domain import casts, traces
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.traces import Event
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable

_THREAD = "0"


async def record_trace(backend: Backend, call: Call) -> Answer:
    """Record an event of a message."""
    fields = call.fields()
    if "transactionId" not in fields or "partitionId" not in fields:
        raise DirectRefusalError(400, "transactionId and partitionId are required")
    if "data" not in fields:
        raise DirectRefusalError(400, "data is required")
    group, event_type = fields.get("consumerGroup", QUEUE_MODE), fields.get("eventType", "info")
    if not isinstance(group, str) or not isinstance(event_type, str):
        raise DirectRefusalError(500, "[json.exception.type_error.302] type must be string")
    event = Event(
        transaction_id=_as_text(fields["transactionId"]),
        partition_id=_as_text(fields["partitionId"]),
        group=group,
        event_type=event_type,
        data=fields["data"],
        names=_names(fields.get("traceNames")),
    )
    if fields["transactionId"] is None or fields["partitionId"] is None:
        return database({"success": False, "error": "Message not found"})
    trace_id = await backend.store.run(lambda tx: traces.record(tx, event))
    if trace_id is None:
        return database({"success": False, "error": "Message not found"})
    return database({"success": True, "traceId": trace_id})


async def list_message_traces(backend: Backend, call: Call) -> Answer:
    """The events of a message."""
    partition, transaction = call.path["partitionId"], call.path["transactionId"]
    found = await backend.store.run(lambda tx: traces.of_message(tx, partition, transaction))
    return database({"traces": [_event(row, names) for row, names in found]})


async def list_traces_by_name(backend: Backend, call: Call) -> Answer:
    """The events under one name; alone among all paths, this one is decoded."""
    limit, offset = call.query.integer("limit", 100), call.query.integer("offset", 0)
    if limit < 0 or offset < 0:
        raise DatabaseRefusalError(f"{'LIMIT' if limit < 0 else 'OFFSET'} must not be negative")
    name = unquote_plus(call.path["traceName"])
    found = await backend.store.run(lambda tx: traces.by_name(tx, name))
    listed: List[NamedTraceEvent] = [_named_event(row, names) for row, names in found]
    answer: NamedTraceList = {
        "traces": None if offset > 0 or limit == 0 else listed,
        "total": len(found),
        "pagination": {"limit": limit, "offset": offset},
    }
    return database(answer)


async def list_trace_names(backend: Backend, call: Call) -> Answer:
    """The names in use."""
    limit, offset = call.query.integer("limit", 50), call.query.integer("offset", 0)
    rows, total = await backend.store.run(lambda tx: traces.names(tx, limit, offset))
    answer: TraceNameList = {
        "trace_names": [
            {
                "trace_name": row["name"],
                "trace_count": row["traces"],
                "message_count": row["messages"],
                "last_seen": timestamps.milli(row["last_seen"]),
            }
            for row in rows
        ],
        "total": total,
        "pagination": {"limit": limit, "offset": offset},
    }
    return database(answer)


ROUTES: RouteTable = [
    ("POST", "/api/v1/traces", record_trace),
    ("GET", "/api/v1/traces/names", list_trace_names),
    ("GET", "/api/v1/traces/by-name/{traceName}", list_traces_by_name),
    ("GET", "/api/v1/traces/{partitionId}/{transactionId}", list_message_traces),
]


def _names(value: object) -> List[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        return []
    listed = cast("List[object]", value)
    if None in listed:
        raise DatabaseRefusalError('null value in column "trace_name" violates not-null constraint')
    return [_as_text(name) for name in listed]


def _as_text(value: object) -> str:
    return casts.text(value) or ""


def _event(row: sqlite3.Row, names: List[str]) -> TraceEvent:
    return {
        "id": row["uuid"],
        "event_type": row["event_type"],
        "data": json.loads(row["data"]),
        "consumer_group": row["consumer_group"],
        "worker_id": _THREAD,
        "created_at": timestamps.milli(row["created_at"]),
        "trace_names": names,
    }


def _named_event(row: sqlite3.Row, names: List[str]) -> NamedTraceEvent:
    event = _event(row, names)
    return {
        "id": event["id"],
        "event_type": event["event_type"],
        "data": event["data"],
        "consumer_group": event["consumer_group"],
        "worker_id": event["worker_id"],
        "created_at": event["created_at"],
        "trace_names": event["trace_names"],
        "transaction_id": row["transaction_id"],
        "partition_id": row["partition_uuid"],
        "queue_name": row["queue"],
        "partition_name": row["partition"],
        "message_payload": json.loads(row["payload"]),
    }
