"""Counted messages of queues and partitions, as the listings of server 0.15 show them.

Listings show what was counted last: nothing of a new partition, until it is counted for the first time. It is counted
for each partition and group, and a partition shows the largest number of its groups. A partition that nobody has popped
from counts as unread.
"""

from __future__ import annotations

import sqlite3
from typing import List, Optional

import attrs
from typing_extensions import Final

from queen.broker.domain.pages import Page
from queen.broker.domain.queues import Queue
from queen.broker.domain.unread import UNREAD
from queen.broker.store.database import Transaction
from queen.broker.time_units import MINUTE, SECOND


@attrs.frozen
class Freshness:
    """How new the counts are that listings show, in microseconds.

    Attributes:
        first: how long after it was made a partition is counted for the first time, if nobody asks for it before.
        age: how old a count may be.
    """

    first: int
    age: int


# As soon as a partition was counted once, its counts are those of now.
LIVE: Final = Freshness(first=SECOND, age=0)
AS_THE_SERVER: Final = Freshness(first=2 * MINUTE, age=2 * MINUTE)
_NOW: Final = Freshness(first=0, age=0)

# The limits, which are none, keep each step whole: merged into the next one, its counts would be made again wherever
# that speaks of them. Time grows with ``seq``, so that the oldest and newest message are the first and the last.
_COUNT: Final = f"""
INSERT OR REPLACE INTO counts
    (partition, total, pending, processing, completed, dead_letters, oldest, newest, counted_at)
WITH due AS (
    SELECT p.* FROM partitions p LEFT JOIN counts n ON n.partition = p.uuid
    WHERE (:queue IS NULL OR p.queue_id = :queue)
        AND COALESCE(n.counted_at + :age, p.created_at + :first) <= :now
), sized AS (
    SELECT p.*, (SELECT COUNT(*) FROM messages m WHERE m.partition_id = p.id) AS total,
        (SELECT COUNT(*) FROM dead_letters d WHERE d.partition_id = p.id) AS dead_letters
    FROM due p LIMIT -1
), by_group AS (
    SELECT p.*, CASE WHEN c.partition_id IS NULL THEN p.total ELSE (
            SELECT COUNT(*) FROM messages m WHERE m.partition_id = p.id AND {UNREAD}) END AS pending,
        CASE WHEN c.lease_until > :now THEN MAX(0, c.batch_size - c.acked_count) ELSE 0 END AS leased,
        (SELECT COUNT(*) FROM dead_letters d
            WHERE d.partition_id = p.id AND d.consumer_group = c.consumer_group) AS given_up
    FROM sized p JOIN queues q ON q.id = p.queue_id LEFT JOIN cursors c ON c.partition_id = p.id LIMIT -1
)
SELECT p.uuid, p.total, MAX(p.pending), MAX(MIN(p.leased, p.pending)), MAX(MAX(0, p.total - p.pending - p.given_up)),
    p.dead_letters, (SELECT m.created_at FROM messages m WHERE m.partition_id = p.id ORDER BY m.seq LIMIT 1),
    (SELECT m.created_at FROM messages m WHERE m.partition_id = p.id ORDER BY m.seq DESC LIMIT 1), :now
FROM by_group p GROUP BY p.id
"""  # noqa: S608  (own text)
_SUMS: Final = (
    "COUNT(n.partition) AS partitions, COALESCE(SUM(n.total), 0) AS total, COALESCE(SUM(n.pending), 0) AS pending, "
    "COALESCE(SUM(n.processing), 0) AS processing, COALESCE(SUM(n.completed), 0) AS completed, "
    "COALESCE(SUM(n.dead_letters), 0) AS dead_letters"
)
_COUNTED: Final = "FROM queues q LEFT JOIN partitions p ON p.queue_id = q.id LEFT JOIN counts n ON n.partition = p.uuid"


@attrs.frozen
class Recount:
    """What a count of everything found.

    Attributes:
        partitions: how many partitions were counted.
        new: how many of them for the first time.
        gone: how many that were counted before are no longer there.
        totals: as ``totals``.
    """

    partitions: int
    new: int
    gone: int
    totals: sqlite3.Row


def unleased(row: sqlite3.Row) -> int:
    """Of pending messages, those that nobody has leased."""
    return max(0, int(row["pending"]) - int(row["processing"]))


def age_of(row: sqlite3.Row, now: int) -> int:
    """How old the counts of ``totals`` are, in whole seconds; -1 where there are none."""
    return -1 if row["counted_at"] is None else max(0, now - int(row["counted_at"])) // SECOND


def recount(tx: Transaction) -> Recount:
    """Count everything now."""
    gone = tx.execute("DELETE FROM counts WHERE partition NOT IN (SELECT uuid FROM partitions)").rowcount
    known = tx.number("SELECT COUNT(*) FROM counts")
    counted = _count(tx, _NOW)
    return Recount(counted, counted - known, gone, totals(tx, AS_THE_SERVER))


def of_queues(tx: Transaction, freshness: Freshness, namespace: str, task: str, page: Page) -> List[sqlite3.Row]:
    """One row for each queue of a namespace and task, the latest created first.

    Args:
        tx: the transaction.
        freshness: how new the counts must be.
        namespace: an empty one is any.
        task: likewise.
        page: which of them.
    """
    _count(tx, freshness)
    return tx.rows(
        f"SELECT q.*, {_SUMS} {_COUNTED} WHERE (:namespace = '' OR q.namespace = :namespace) "
        "AND (:task = '' OR q.task = :task) GROUP BY q.id ORDER BY q.id DESC LIMIT :limit OFFSET :offset",
        {"namespace": namespace, "task": task, **attrs.asdict(page)},
    )


def of_partitions(tx: Transaction, freshness: Freshness, queue: Queue) -> List[sqlite3.Row]:
    """One row for each partition of a queue, by name, with what its groups have consumed: that is always live."""
    _count(tx, freshness, queue)
    return tx.rows(
        "SELECT p.uuid, p.name, p.created_at, n.oldest, n.newest, COALESCE(n.total, 0) AS total, "
        "COALESCE(n.pending, 0) AS pending, COALESCE(n.processing, 0) AS processing, "
        "COALESCE(n.completed, 0) AS completed, COALESCE(n.dead_letters, 0) AS dead_letters, "
        "COALESCE(SUM(c.consumed_total), 0) AS consumed, COALESCE(SUM(c.batches_total), 0) AS batches, "
        "MAX(c.last_consumed_at) AS last_activity FROM partitions p LEFT JOIN counts n ON n.partition = p.uuid "
        "LEFT JOIN cursors c ON c.partition_id = p.id WHERE p.queue_id = ? GROUP BY p.id ORDER BY p.name",
        [queue.id],
    )


def by_namespace(tx: Transaction, freshness: Freshness) -> List[sqlite3.Row]:
    """One row for each namespace that has counted partitions, by name; the empty one is left out."""
    return _by(tx, freshness, "q.namespace")


def by_task(tx: Transaction, freshness: Freshness) -> List[sqlite3.Row]:
    """One row for each task that has counted partitions, by name; the empty one is left out."""
    return _by(tx, freshness, "q.task")


def totals(tx: Transaction, freshness: Freshness) -> sqlite3.Row:
    """All queues together: also ``queues``, ``namespaces`` and ``tasks`` (the empty ones left out), and when the counts
    were made, ``counted_at``, None where there are none.
    """
    _count(tx, freshness)
    row = tx.row(
        f"SELECT {_SUMS}, COUNT(DISTINCT q.id) AS queues, "
        "COUNT(DISTINCT CASE WHEN n.partition IS NOT NULL THEN NULLIF(q.namespace, '') END) AS namespaces, "
        "COUNT(DISTINCT CASE WHEN n.partition IS NOT NULL THEN NULLIF(q.task, '') END) AS tasks, "
        f"MAX(n.counted_at) AS counted_at {_COUNTED}"
    )
    assert row is not None
    return row


def _count(tx: Transaction, freshness: Freshness, queue: Optional[Queue] = None) -> int:
    """Count again what was counted too long ago; how many partitions these were."""
    values = {"queue": None if queue is None else queue.id, "now": tx.now, **attrs.asdict(freshness)}
    return tx.execute(_COUNT, values).rowcount


def _by(tx: Transaction, freshness: Freshness, column: str) -> List[sqlite3.Row]:
    _count(tx, freshness)
    return tx.rows(
        f"SELECT {column} AS name, COUNT(DISTINCT q.id) AS queues, {_SUMS}, COUNT(p.id) AS all_partitions "
        f"{_COUNTED} WHERE {column} <> '' GROUP BY {column} HAVING COUNT(n.partition) > 0 ORDER BY {column}"
    )
