"""Counts of messages, as listings show them."""

from __future__ import annotations

import sqlite3
from typing import List, Optional, Tuple

from queen_api.models import MessageCounts, QueueSummary
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import counts, queues
from queen.broker.domain.counts import Freshness
from queen.broker.domain.queues import Queue
from queen.broker.store.database import Store, Transaction

QUEUE_NOT_FOUND: Final = {"error": "Queue not found"}


def message_counts(row: sqlite3.Row) -> MessageCounts:
    """The counts of a row; pending includes what is leased."""
    return {
        "total": row["total"],
        "pending": row["pending"],
        "processing": row["processing"],
        "completed": row["completed"],
        "failed": 0,
        "deadLetter": row["dead_letters"],
    }


def totals(rows: List[sqlite3.Row]) -> MessageCounts:
    """The sums of counted rows."""
    return {
        "total": sum(row["total"] for row in rows),
        "pending": sum(row["pending"] for row in rows),
        "processing": sum(row["processing"] for row in rows),
        "completed": sum(row["completed"] for row in rows),
        "failed": 0,
        "deadLetter": sum(row["dead_letters"] for row in rows),
    }


def queue_summary(row: sqlite3.Row, pending: int) -> QueueSummary:
    """A queue in a list.

    Args:
        row: a counted queue.
        pending: how many messages are pending, which the lists do not count alike.
    """
    return {
        "id": row["uuid"],
        "name": row["name"],
        "namespace": row["namespace"],
        "task": row["task"],
        "createdAt": timestamps.milli(row["created_at"]),
        "partitions": row["partitions"],
        "messages": {"total": row["total"], "pending": pending, "processing": row["processing"]},
    }


async def counted_queue(store: Store, freshness: Freshness, name: str) -> Optional[Tuple[Queue, List[sqlite3.Row]]]:
    """A queue with its counted partitions; None where there is none of this name.

    Args:
        store: the store.
        freshness: how new the counts must be.
        name: the name of the queue.
    """

    def read(tx: Transaction) -> Optional[Tuple[Queue, List[sqlite3.Row]]]:
        queue = queues.find(tx, name)
        return None if queue is None else (queue, counts.of_partitions(tx, freshness, queue))

    return await store.run(read)
