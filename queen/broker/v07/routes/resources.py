"""Queues, namespaces and tasks, with live counts."""

from __future__ import annotations

import sqlite3
from typing import List, Optional, Tuple

from queen_api.models import BacklogCounts, NamespaceList, PartitionDetail, QueueDetail, QueueSummary, TaskList

from queen.broker import timestamps
from queen.broker.domain import queues
from queen.broker.domain.queues import Queue
from queen.broker.http import Answer, Call
from queen.broker.routes.counted import message_counts, totals
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.store.database import Transaction
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import counts
from queen.broker.v07.fields import refusal


async def list_queues(backend: Backend, call: Call) -> Answer:
    """All queues; here alone an empty namespace or task is null."""
    rows = await backend.store.run(counts.of_queues)
    return answered({"queues": [_summary(row) for row in rows]})


async def get_queue(backend: Backend, call: Call) -> Answer:
    """One queue and its partitions, with what queue mode has left of them."""
    queue, rows = await found(backend, call.path["queue"])
    detail: QueueDetail = {
        "id": queue.uuid,
        "name": queue.name,
        "namespace": queue.namespace,
        "task": queue.task,
        "createdAt": timestamps.postgres(queue.created_at),
        "partitions": [_partition(row) for row in rows],
        "totals": totals(rows),
    }
    return answered(detail)


async def list_namespaces(backend: Backend, call: Call) -> Answer:
    """All namespaces."""
    rows = await backend.store.run(counts.by_namespace)
    listed: NamespaceList = {
        "namespaces": [
            {
                "namespace": row["name"],
                "queues": row["queues"],
                "partitions": row["partitions"],
                "messages": _backlog(row),
            }
            for row in rows
        ]
    }
    return answered(listed)


async def list_tasks(backend: Backend, call: Call) -> Answer:
    """All tasks."""
    rows = await backend.store.run(counts.by_task)
    listed: TaskList = {
        "tasks": [
            {
                "task": row["name"],
                "queues": row["queues"],
                "partitions": row["partitions"],
                "messages": _backlog(row),
            }
            for row in rows
        ]
    }
    return answered(listed)


async def found(backend: Backend, name: str) -> Tuple[Queue, List[sqlite3.Row]]:
    """A queue with its counted partitions.

    Raises:
        DirectRefusalError: there is none of this name.
    """

    def read(tx: Transaction) -> Optional[Tuple[Queue, List[sqlite3.Row]]]:
        queue = queues.find(tx, name)
        return None if queue is None else (queue, counts.of_partitions(tx, queue))

    queue = await backend.store.run(read)
    if queue is None:
        raise refusal("Queue not found")
    return queue


ROUTES: RouteTable = [
    ("GET", "/api/v1/resources/queues", list_queues),
    ("GET", "/api/v1/resources/queues/{queue}", get_queue),
    ("GET", "/api/v1/resources/namespaces", list_namespaces),
    ("GET", "/api/v1/resources/tasks", list_tasks),
]


def _summary(row: sqlite3.Row) -> QueueSummary:
    return {
        "id": row["uuid"],
        "name": row["name"],
        "namespace": row["namespace"] or None,
        "task": row["task"] or None,
        "createdAt": timestamps.postgres(row["created_at"]),
        "partitions": row["partitions"],
        "messages": {"total": row["total"], "pending": counts.pending(row), "processing": row["processing"]},
    }


def _backlog(row: sqlite3.Row) -> BacklogCounts:
    return {"total": row["total"], "pending": counts.pending(row)}


def _partition(row: sqlite3.Row) -> PartitionDetail:
    return {
        "id": row["uuid"],
        "name": row["name"],
        "createdAt": timestamps.postgres(row["created_at"]),
        "oldestMessage": timestamps.optional_postgres(row["oldest"]),
        "newestMessage": timestamps.optional_postgres(row["newest"]),
        # Pending is a counter of what was pushed since the first pop, and no count.
        "stats": message_counts(row),
    }
