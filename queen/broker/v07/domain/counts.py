"""Counted messages of queues and partitions, as the listings show them: live, and not from statistics."""

from __future__ import annotations

import sqlite3
from typing import List

from typing_extensions import Final

from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.pages import Page
from queen.broker.domain.queues import Queue
from queen.broker.domain.unread import READ
from queen.broker.store.database import Transaction

_READ: Final = READ.format(cursor="c")
# Unread is what some cursor of its partition has not passed, or all of it where there is none; dead letters are not.
_OF_PARTITIONS: Final = f"""
SELECT p.queue_id, COUNT(m.seq) AS total,
    COALESCE(SUM(m.seq IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.message_seq = m.seq) AND (
        NOT EXISTS (SELECT 1 FROM cursors c WHERE c.partition_id = p.id)
        OR EXISTS (SELECT 1 FROM cursors c WHERE c.partition_id = p.id AND NOT {_READ}))), 0) AS unread,
    COALESCE(SUM(EXISTS (SELECT 1 FROM cursors c
        WHERE c.partition_id = p.id AND m.seq IS NOT NULL AND c.lease_until > :now AND NOT {_READ})), 0) AS processing
FROM partitions p LEFT JOIN messages m ON m.partition_id = p.id GROUP BY p.id
"""  # noqa: S608  (own text)
_COUNTS: Final = (
    "COUNT(n.queue_id) AS partitions, COALESCE(SUM(n.total), 0) AS total, "
    "COALESCE(SUM(n.unread), 0) AS unread, COALESCE(SUM(n.processing), 0) AS processing"
)


def pending(row: sqlite3.Row) -> int:
    """Of unread messages, those that nobody has leased."""
    return max(0, int(row["unread"]) - int(row["processing"]))


def of_queues(tx: Transaction) -> List[sqlite3.Row]:
    """One row for each queue, the latest created first."""
    return tx.rows(
        f"SELECT q.*, {_COUNTS} FROM queues q LEFT JOIN ({_OF_PARTITIONS}) n ON n.queue_id = q.id "  # noqa: S608
        "GROUP BY q.id ORDER BY q.id DESC",
        {"now": tx.now},
    )


def by_namespace(tx: Transaction) -> List[sqlite3.Row]:
    """One row for each namespace, the empty one too, by name."""
    return _by(tx, "q.namespace")


def by_task(tx: Transaction) -> List[sqlite3.Row]:
    """One row for each task, the empty one too, by name."""
    return _by(tx, "q.task")


def of_partitions(tx: Transaction, queue: Queue) -> List[sqlite3.Row]:
    """One row for each partition of a queue, by name, with where queue mode stands."""
    return tx.rows(
        "SELECT p.uuid, p.name, p.created_at, COUNT(m.seq) AS total, MIN(m.created_at) AS oldest, "
        "MAX(m.created_at) AS newest, COALESCE(c.lease_until > :now, 0) AS processing, "
        "COALESCE(c.consumed_total, 0) AS completed, COALESCE(c.pending, 0) AS pending, "
        "COALESCE(c.batches_total, 0) AS batches, c.last_consumed_at, (SELECT COUNT(*) FROM dead_letters d "
        "WHERE d.partition_id = p.id AND d.consumer_group = :own) AS dead_letters "
        "FROM partitions p LEFT JOIN messages m ON m.partition_id = p.id "
        "LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = :own "
        "WHERE p.queue_id = :queue GROUP BY p.id ORDER BY p.name",
        {"now": tx.now, "own": QUEUE_MODE, "queue": queue.id},
    )


def by_priority(tx: Transaction, namespace: str, task: str, page: Page) -> List[sqlite3.Row]:
    """Queues of a namespace and task by priority and name, with queue mode's state; an empty name is any.

    Equal counts of acks of several partitions are added once, as on the server.
    """
    return tx.rows(
        "SELECT q.*, COUNT(DISTINCT p.id) AS partitions, COALESCE(SUM(c.lease_until > :now), 0) AS processing, "
        "COALESCE(SUM(DISTINCT c.consumed_total), 0) AS completed, (SELECT COUNT(*) FROM messages m "
        "JOIN partitions o ON o.id = m.partition_id WHERE o.queue_id = q.id) AS total "
        "FROM queues q LEFT JOIN partitions p ON p.queue_id = q.id "
        "LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = :own "
        "WHERE (:namespace = '' OR q.namespace = :namespace) AND (:task = '' OR q.task = :task) GROUP BY q.id "
        "ORDER BY COALESCE(json_extract(q.options, '$.priority'), 0) DESC, q.name LIMIT :limit OFFSET :offset",
        {
            "now": tx.now,
            "own": QUEUE_MODE,
            "namespace": namespace,
            "task": task,
            "limit": page.limit,
            "offset": page.offset,
        },
    )


def _by(tx: Transaction, column: str) -> List[sqlite3.Row]:
    return tx.rows(
        f"SELECT {column} AS name, COUNT(DISTINCT q.id) AS queues, {_COUNTS} FROM queues q "  # noqa: S608
        f"LEFT JOIN ({_OF_PARTITIONS}) n ON n.queue_id = q.id GROUP BY {column} ORDER BY {column}",
        {"now": tx.now},
    )
