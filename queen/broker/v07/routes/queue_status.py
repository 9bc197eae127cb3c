"""Queues with their options, cursors and latest messages."""

from __future__ import annotations

import json
import sqlite3
from typing import Dict, List, cast

from queen_api.models import MessageCounts, PartitionStatus, QueueMessage, QueueStatus, QueueStatusSummary
from typing_extensions import Final, Literal

from queen.broker import timestamps
from queen.broker.domain.queues import DEFAULTS
from queen.broker.http import Answer, Call
from queen.broker.paging import page_of
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import counts, messages
from queen.broker.v07.routes.resources import found
from queen.broker.v07.time_ranges import last_hour, range_of

_Status = Literal["completed", "failed", "pending", "processing"]

_QUEUES: Final = 100
_MESSAGES: Final = 50


async def list_queues(backend: Backend, call: Call) -> Answer:
    """Queues by priority and name, with what queue mode has left of them; the times are only echoed."""
    query = call.query
    page, namespace, task = page_of(query, _QUEUES), query.string("namespace"), query.string("task")
    rows = await backend.store.run(lambda tx: counts.by_priority(tx, namespace, task, page))
    return answered(
        {
            "queues": [_queue(row) for row in rows],
            "pagination": {"limit": page.limit, "offset": page.offset, "total": len(rows)},
            "timeRange": range_of(query, backend.clock.now()).shown,
        }
    )


async def get_queue(backend: Backend, call: Call) -> Answer:
    """One queue with its options, and where queue mode stands on each partition."""
    queue, rows = await found(backend, call.path["queue"])
    partitions = [_partition(row) for row in rows]
    options = queue.options
    status: QueueStatus = {
        "queue": {
            "id": queue.uuid,
            "name": queue.name,
            "namespace": queue.namespace,
            "task": queue.task,
            "priority": options["priority"],
            "createdAt": timestamps.postgres(queue.created_at),
            "config": {
                "leaseTime": options["leaseTime"],
                "retryLimit": options["retryLimit"],
                "ttl": options["ttl"],
                "maxQueueSize": options["maxSize"],
            },
        },
        "partitions": partitions,
        "totals": {
            "messages": _totals([partition["messages"] for partition in partitions]),
            "partitions": len(partitions),
            "consumed": sum(partition["cursor"]["totalConsumed"] for partition in partitions),
            "batches": sum(partition["cursor"]["batchesConsumed"] for partition in partitions),
        },
        "timeRange": {"from": "", "to": ""},
    }
    return answered(status)


async def list_queue_messages(backend: Backend, call: Call) -> Answer:
    """The messages of the last hour, without payloads."""
    name, page, now = call.path["queue"], page_of(call.query, _MESSAGES), backend.clock.now()
    hour = last_hour(now)
    rows = await backend.store.run(lambda tx: messages.of_queue(tx, name, hour.since(now), hour.until(now), page))
    return answered(
        {
            "messages": [_message(row, now) for row in rows],
            "pagination": {"limit": page.limit, "offset": page.offset, "total": len(rows)},
            "queue": name,
            "filters": {"status": None, "partition": None},
            "timeRange": hour.shown,
        }
    )


ROUTES: RouteTable = [
    ("GET", "/api/v1/status/queues", list_queues),
    ("GET", "/api/v1/status/queues/{queue}", get_queue),
    ("GET", "/api/v1/status/queues/{queue}/messages", list_queue_messages),
]


def _queue(row: sqlite3.Row) -> QueueStatusSummary:
    options = {**DEFAULTS, **json.loads(row["options"])}
    return {
        "id": row["uuid"],
        "name": row["name"],
        "namespace": row["namespace"],
        "task": row["task"],
        "priority": options["priority"],
        "createdAt": timestamps.postgres(row["created_at"]),
        "partitions": row["partitions"],
        "messages": {**_counts(row), "deadLetter": 0},
    }


def _partition(row: sqlite3.Row) -> PartitionStatus:
    return {
        "id": row["uuid"],
        "name": row["name"],
        "createdAt": timestamps.postgres(row["created_at"]),
        "messages": _counts(row),
        "cursor": {
            "totalConsumed": row["completed"],
            "batchesConsumed": row["batches"],
            "lastConsumedAt": timestamps.optional_postgres(row["last_consumed_at"]),
        },
    }


def _counts(row: sqlite3.Row) -> MessageCounts:
    return {
        "total": row["total"],
        "pending": max(0, row["total"] - row["completed"] - row["processing"]),
        "processing": row["processing"],
        "completed": row["completed"],
        "failed": 0,
    }


def _totals(counted: List[MessageCounts]) -> MessageCounts:
    keys = ("total", "pending", "processing", "completed", "failed")
    sums = {key: sum(cast("Dict[str, int]", entry)[key] for entry in counted) for key in keys}
    return cast(MessageCounts, sums)


def _message(row: sqlite3.Row, now: int) -> QueueMessage:
    status: _Status = "failed" if row["queue_status"] == "dead_letter" else row["queue_status"]
    message: QueueMessage = {
        "id": row["uuid"],
        "transactionId": row["transaction_id"],
        "traceId": row["trace_id"],
        "partition": row["partition"],
        "createdAt": timestamps.postgres(row["created_at"]),
        "status": status,
        "retryCount": 0,
    }
    if status in ("pending", "processing"):
        seconds = (now - row["created_at"]) / 1e6
        message["age"] = {"seconds": seconds, "formatted": _formatted(int(seconds))}
    return message


def _formatted(seconds: int) -> str:
    """An age in its two largest units: ``42s``, ``3m 7s``, ``2h 5m``, ``1d 3h``."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if not minutes:
        return f"{seconds}s"
    if not hours:
        return f"{minutes}m {seconds % 60}s"
    return f"{hours}h {minutes % 60}m" if not days else f"{days}d {hours % 24}h"
