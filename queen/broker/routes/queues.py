"""Queues: configured, listed, described, deleted."""

from __future__ import annotations

import sqlite3
from typing import Dict, List, Optional, Tuple, cast

from queen_api.models import (
    ConfigureAnswer,
    DeleteQueueAnswer,
    MessageCounts,
    PartitionDetail,
    PartitionStatus,
    QueueDetail,
    QueueOptions,
    QueueStatus,
    QueueSummary,
)

from queen.broker import timestamps
from queen.broker.domain import listings, queues
from queen.broker.domain.queues import Queue
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.store.database import Transaction

_NOT_FOUND = {"error": "Queue not found"}


async def configure(backend: Backend, call: Call) -> Answer:
    """Create a queue, or replace its configuration."""
    fields = call.fields()
    name, namespace, task, options = (fields.get(key) for key in ("queue", "namespace", "task", "options"))
    if not isinstance(name, str):
        raise DirectRefusalError(400, "queue is required")
    given = cast("Dict[str, object]", options) if isinstance(options, dict) else {}
    space = namespace if isinstance(namespace, str) else None
    job = task if isinstance(task, str) else None
    configured = await backend.store.run(lambda tx: queues.configure(tx, name, space, job, given))
    if configured.complaint is not None:
        return database({"error": configured.complaint})
    queue = configured.queue
    answer: ConfigureAnswer = {
        "configured": True,
        "queue": queue.name,
        "queueId": queue.uuid,
        "partitionId": configured.partition_uuid,
        "namespace": queue.namespace,
        "task": queue.task,
        "options": cast("QueueOptions", dict(queue.options)),
    }
    return database(answer)


async def list_queues(backend: Backend, call: Call) -> Answer:
    """All queues. Counts are computed by the server every two minutes; here they stay at zero."""
    found = await backend.store.run(listings.queues)
    summaries: List[QueueSummary] = [
        {
            "id": queue.uuid,
            "name": queue.name,
            "namespace": queue.namespace,
            "task": queue.task,
            "createdAt": timestamps.milli(queue.created_at),
            "partitions": 0,
            "messages": {"total": 0, "pending": 0, "processing": 0},
        }
        for queue in found
    ]
    return database({"queues": summaries})


async def get_queue(backend: Backend, call: Call) -> Answer:
    """One queue and its partitions."""
    found = await _found(backend, call.path["queue"])
    if found is None:
        return database(_NOT_FOUND)
    queue, rows = found
    partitions: List[PartitionDetail] = [
        {
            "id": row["uuid"],
            "name": row["name"],
            "createdAt": timestamps.milli(row["created_at"]),
            "stats": _no_counts(),
            "oldestMessage": None,
            "newestMessage": None,
        }
        for row in rows
    ]
    detail: QueueDetail = {
        "id": queue.uuid,
        "name": queue.name,
        "namespace": queue.namespace,
        "task": queue.task,
        "createdAt": timestamps.milli(queue.created_at),
        "partitions": partitions,
        "totals": _no_counts(),
    }
    return database(detail)


async def get_queue_status(backend: Backend, call: Call) -> Answer:
    """One queue with its options and cursors."""
    found = await _found(backend, call.path["queue"])
    if found is None:
        return database(_NOT_FOUND)
    queue, rows = found
    counts = _no_counts()
    status: QueueStatus = {
        "queue": {
            "id": queue.uuid,
            "name": queue.name,
            "namespace": queue.namespace,
            "task": queue.task,
            "priority": queue.options["priority"],
            "createdAt": timestamps.milli(queue.created_at),
            "config": {
                "leaseTime": queue.options["leaseTime"],
                "retryLimit": queue.options["retryLimit"],
                "retryDelay": queue.options["retryDelay"],
                "ttl": queue.options["ttl"],
                "maxQueueSize": queue.options["maxSize"],
                "deadLetterQueue": bool(queue.options["deadLetterQueue"]),
            },
        },
        "partitions": [_partition_status(row) for row in rows],
        "totals": {
            "messages": counts,
            "total": 0,
            "pending": 0,
            "processing": 0,
            "completed": 0,
            "failed": 0,
            "deadLetter": 0,
        },
    }
    return database(status)


async def list_queue_messages(backend: Backend, call: Call) -> Answer:
    """All messages of a queue, the newest first; paging passes over all of them, as on the server."""
    if call.query.integer("offset", 0) > 0 or call.query.integer("limit", 50) == 0:
        return database({"success": True, "value": None})
    name = call.path["queue"]
    rows = await backend.store.run(lambda tx: listings.messages(tx, name))
    return database(
        [
            {
                "id": row["uuid"],
                "transactionId": row["transaction_id"],
                "partitionId": row["partition_uuid"],
                "queuePath": f"{name}/{row['partition']}",
                "queue": name,
                "partition": row["partition"],
                "status": row["status"],
                "createdAt": timestamps.milli(row["created_at"]),
            }
            for row in rows
        ]
    )


async def delete_queue(backend: Backend, call: Call) -> Answer:
    """Delete a queue."""
    name = call.path["queue"]
    existed = await backend.store.run(lambda tx: queues.delete(tx, name))
    answer: DeleteQueueAnswer = {"deleted": True, "queue": name, "existed": existed}
    return database(answer)


ROUTES: RouteTable = [
    ("POST", "/api/v1/configure", configure),
    ("GET", "/api/v1/resources/queues", list_queues),
    ("GET", "/api/v1/resources/queues/{queue}", get_queue),
    ("DELETE", "/api/v1/resources/queues/{queue}", delete_queue),
    ("GET", "/api/v1/status/queues/{queue}", get_queue_status),
    ("GET", "/api/v1/status/queues/{queue}/messages", list_queue_messages),
]


async def _found(backend: Backend, name: str) -> Optional[Tuple[Queue, List[sqlite3.Row]]]:
    def read(tx: Transaction) -> Optional[Tuple[Queue, List[sqlite3.Row]]]:
        queue = queues.find(tx, name)
        return None if queue is None else (queue, listings.partitions(tx, queue))

    return await backend.store.run(read)


def _partition_status(row: sqlite3.Row) -> PartitionStatus:
    return {
        "id": row["uuid"],
        "name": row["name"],
        "createdAt": timestamps.milli(row["created_at"]),
        "messages": _no_counts(),
        "stats": _no_counts(),
        "cursor": {"totalConsumed": row["consumed"], "batchesConsumed": row["batches"]},
        "lastActivity": timestamps.optional_milli(row["last_activity"]),
        "oldestMessage": None,
        "newestMessage": None,
    }


def _no_counts() -> MessageCounts:
    return {"total": 0, "pending": 0, "processing": 0, "completed": 0, "failed": 0, "deadLetter": 0}
