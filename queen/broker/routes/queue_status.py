"""The state of queues: listed, and one by one with options, cursors and messages; and counting anew."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import List

from queen_api.models import PartitionStatus, QueueMessage, QueueStatus, StatsRefresh
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import counts, message_lists
from queen.broker.domain.counts import Freshness
from queen.broker.http import Answer, Call, database
from queen.broker.paging import page_of
from queen.broker.routes.counted import QUEUE_NOT_FOUND, counted_queue, message_counts, queue_summary, totals
from queen.broker.routes.endpoint import Backend, RouteTable

_QUEUES: Final = 100
_MESSAGES: Final = 50


async def list_queues(freshness: Freshness, backend: Backend, call: Call) -> Answer:
    """Queues of a namespace and task, the latest created first; the times are not looked at."""
    query = call.query
    page, namespace, task = page_of(query, _QUEUES), query.string("namespace"), query.string("task")
    rows = await backend.store.run(lambda tx: counts.of_queues(tx, freshness, namespace, task, page))
    return database(
        {
            "queues": [queue_summary(row, row["pending"]) for row in rows],
            "pagination": {"limit": page.limit, "offset": page.offset},
        }
    )


async def get_queue(freshness: Freshness, backend: Backend, call: Call) -> Answer:
    """One queue with its options and cursors."""
    found = await counted_queue(backend.store, freshness, call.path["queue"])
    if found is None:
        return database(QUEUE_NOT_FOUND)
    queue, rows = found
    counted = totals(rows)
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
        "partitions": [_partition(row) for row in rows],
        "totals": {
            "messages": counted,
            "total": counted["total"],
            "pending": counted["pending"],
            "processing": counted["processing"],
            "completed": counted["completed"],
            "failed": counted["failed"],
            "deadLetter": sum(row["dead_letters"] for row in rows),
        },
    }
    return database(status)


async def list_messages(backend: Backend, call: Call) -> Answer:
    """All messages of a queue, the newest first; paging passes over all of them, as on the server."""
    if call.query.integer("offset", 0) > 0 or call.query.integer("limit", _MESSAGES) == 0:
        return database({"success": True, "value": None})
    name = call.path["queue"]
    rows = await backend.store.run(lambda tx: message_lists.of_queue(tx, name))
    listed: List[QueueMessage] = [
        {
            "id": row["uuid"],
            "transactionId": row["transaction_id"],
            "partitionId": row["partition_uuid"],
            "queuePath": f"{name}/{row['partition']}",
            "queue": name,
            "partition": row["partition"],
            "status": row["queue_status"],
            "createdAt": timestamps.milli(row["created_at"]),
        }
        for row in rows
    ]
    return database(listed)


async def refresh(backend: Backend, call: Call) -> Answer:
    """Count everything now."""
    found = await backend.store.run(counts.recount)
    answer: StatsRefresh = {
        "partition": {
            "partitionsUpdated": found.partitions,
            "dirtyPartitionsScanned": found.partitions,
            "partitionsSkippedByWatermark": 0,
            "newPartitions": found.new,
        },
        "queue": {"queuesUpdated": found.totals["queues"]},
        "namespace": {"namespacesUpdated": found.totals["namespaces"]},
        "task": {"tasksUpdated": found.totals["tasks"]},
        "system": {"systemUpdated": 1},
        "cleanup": {"orphanedDeleted": found.gone},
    }
    return database(answer)


def routes(freshness: Freshness) -> RouteTable:
    """The routes.

    Args:
        freshness: how new the counts are that they show.
    """
    return [
        ("GET", "/api/v1/status/queues", partial(list_queues, freshness)),
        ("GET", "/api/v1/status/queues/{queue}", partial(get_queue, freshness)),
        ("GET", "/api/v1/status/queues/{queue}/messages", list_messages),
        ("POST", "/api/v1/stats/refresh", refresh),
    ]


def _partition(row: sqlite3.Row) -> PartitionStatus:
    return {
        "id": row["uuid"],
        "name": row["name"],
        "createdAt": timestamps.milli(row["created_at"]),
        "messages": message_counts(row),
        "stats": message_counts(row),
        "cursor": {"totalConsumed": row["consumed"], "batchesConsumed": row["batches"]},
        "lastActivity": timestamps.optional_milli(row["last_activity"]),
        "oldestMessage": timestamps.optional_milli(row["oldest"]),
        "newestMessage": timestamps.optional_milli(row["newest"]),
    }
