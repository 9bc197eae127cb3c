"""Queues, namespaces and tasks with their counts, and the whole broker in numbers."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import List, Tuple

from queen_api.models import BacklogCounts, NamespaceList, Overview, PartitionDetail, QueueDetail, TaskList

from queen.broker import timestamps
from queen.broker.domain import counts, groups, traffic
from queen.broker.domain.counts import Freshness
from queen.broker.domain.pages import EVERYTHING
from queen.broker.domain.traffic import Rates
from queen.broker.http import Answer, Call, database
from queen.broker.routes.counted import QUEUE_NOT_FOUND, counted_queue, message_counts, queue_summary, totals
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.spreads import spread, whole
from queen.broker.store.database import Transaction
from queen.broker.time_units import SECOND


async def list_queues(freshness: Freshness, backend: Backend, call: Call) -> Answer:
    """All queues, the latest created first."""
    rows = await backend.store.run(lambda tx: counts.of_queues(tx, freshness, "", "", EVERYTHING))
    return database({"queues": [queue_summary(row, counts.unleased(row)) for row in rows]})


async def get_queue(freshness: Freshness, backend: Backend, call: Call) -> Answer:
    """One queue and its partitions."""
    found = await counted_queue(backend.store, freshness, call.path["queue"])
    if found is None:
        return database(QUEUE_NOT_FOUND)
    queue, rows = found
    partitions: List[PartitionDetail] = [
        {
            "id": row["uuid"],
            "name": row["name"],
            "createdAt": timestamps.milli(row["created_at"]),
            "stats": message_counts(row),
            "oldestMessage": timestamps.optional_milli(row["oldest"]),
            "newestMessage": timestamps.optional_milli(row["newest"]),
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
        "totals": totals(rows),
    }
    return database(detail)


async def list_namespaces(freshness: Freshness, backend: Backend, call: Call) -> Answer:
    """All namespaces that have counted messages, by name."""
    rows = await backend.store.run(lambda tx: counts.by_namespace(tx, freshness))
    listed: NamespaceList = {
        "namespaces": [
            {
                "namespace": row["name"],
                "queues": row["queues"],
                "partitions": row["all_partitions"],
                "messages": _backlog(row),
            }
            for row in rows
        ]
    }
    return database(listed)


async def list_tasks(freshness: Freshness, backend: Backend, call: Call) -> Answer:
    """All tasks that have counted messages, by name."""
    rows = await backend.store.run(lambda tx: counts.by_task(tx, freshness))
    listed: TaskList = {
        "tasks": [
            {
                "task": row["name"],
                "queues": row["queues"],
                "partitions": row["all_partitions"],
                "messages": _backlog(row),
            }
            for row in rows
        ]
    }
    return database(listed)


async def get_overview(freshness: Freshness, backend: Backend, call: Call) -> Answer:
    """The whole broker in numbers; rates are those since the last full minute began."""

    def read(tx: Transaction) -> Tuple[sqlite3.Row, List[sqlite3.Row], Rates]:
        return counts.totals(tx, freshness), groups.unread(tx, None), traffic.rates(tx)

    counted, cursors, rates = await backend.store.run(read)
    now, lagging = backend.clock.now(), [row for row in cursors if row["unread"]]
    answer: Overview = {
        "queues": counted["queues"],
        "partitions": counted["partitions"],
        "namespaces": counted["namespaces"],
        "tasks": counted["tasks"],
        "messages": message_counts(counted),
        "lag": {
            "time": whole(spread([max(0, now - row["oldest"]) // SECOND for row in lagging])),
            "offset": whole(spread([row["unread"] for row in lagging])),
        },
        "throughput": {"ingestedPerSecond": rates.stored, "processedPerSecond": rates.consumed},
        "timestamp": timestamps.milli(now),
        "statsAge": counts.age_of(counted, now),
    }
    return database(answer)


def routes(freshness: Freshness) -> RouteTable:
    """The routes.

    Args:
        freshness: how new the counts are that they show.
    """
    return [
        ("GET", "/api/v1/resources/queues", partial(list_queues, freshness)),
        ("GET", "/api/v1/resources/queues/{queue}", partial(get_queue, freshness)),
        ("GET", "/api/v1/resources/namespaces", partial(list_namespaces, freshness)),
        ("GET", "/api/v1/resources/tasks", partial(list_tasks, freshness)),
        ("GET", "/api/v1/resources/overview", partial(get_overview, freshness)),
    ]


def _backlog(row: sqlite3.Row) -> BacklogCounts:
    return {"total": row["total"], "pending": counts.unleased(row)}
