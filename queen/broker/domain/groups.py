"""Consumer groups: listed, moved, deleted."""

from __future__ import annotations

import sqlite3
from typing import List, Optional, Tuple

from typing_extensions import Final

from queen.broker.domain.unread import UNREAD
from queen.broker.store.database import Transaction

# "Unread" for the listing of groups: the newest message ever stored is behind the cursor, or behind the latest time of
# the group's subscriptions on the queue when there is no cursor.
_LISTING: Final = """
SELECT c.consumer_group AS name, q.name AS queue, COUNT(*) AS members,
    SUM(lagging) AS lagging, MAX(CASE WHEN lagging THEN newest_at END) AS newest_at,
    MIN(CASE WHEN lagging THEN newest_at END) AS oldest_newest_at, MAX(c.last_consumed_at) AS last_consumed_at,
    MAX(s_mode) AS mode, MAX(s_starts_at) AS starts_at, MAX(s_created_at) AS subscribed_at
FROM (
    SELECT c.*, p.queue_id, p.newest_at, s.mode AS s_mode, s.starts_at AS s_starts_at, s.created_at AS s_created_at,
        p.newest_seq IS NOT NULL AND CASE
            WHEN c.cursor IS NOT NULL THEN p.newest_seq > c.cursor
            WHEN s.starts_at IS NOT NULL THEN p.newest_at >= s.starts_at
            ELSE 1 END AS lagging
    FROM cursors c JOIN partitions p ON p.id = c.partition_id JOIN queues q ON q.id = p.queue_id
    LEFT JOIN (
        SELECT consumer_group, queue, MAX(mode) AS mode, MAX(starts_at) AS starts_at, MAX(created_at) AS created_at
        FROM subscriptions GROUP BY consumer_group, queue
    ) s ON s.consumer_group = c.consumer_group AND s.queue = q.name
) c JOIN queues q ON q.id = c.queue_id GROUP BY c.consumer_group, q.name ORDER BY c.consumer_group, q.name
"""
# What a group has not read of a partition, counted in messages that are stored.
_UNREAD: Final = f"""
SELECT c.consumer_group, q.name AS queue, p.name AS partition, p.uuid AS partition_uuid, c.lease_id,
    c.lease_until, c.last_consumed_at, c.consumed_total, COUNT(m.seq) AS unread, MIN(m.created_at) AS oldest
FROM cursors c JOIN partitions p ON p.id = c.partition_id JOIN queues q ON q.id = p.queue_id
LEFT JOIN messages m ON m.partition_id = p.id AND {UNREAD}
WHERE :own IS NULL OR c.consumer_group = :own
GROUP BY c.partition_id, c.consumer_group ORDER BY q.name, p.name
"""  # noqa: S608  (own text)
_RELEASED: Final = "last_consumed_at = ?, lease_id = NULL, lease_until = NULL, batch_size = 0, acked_count = 0"


def listing(tx: Transaction) -> List[sqlite3.Row]:
    """One row for each group and queue, sorted."""
    return tx.rows(_LISTING)


def unread(tx: Transaction, group: Optional[str]) -> List[sqlite3.Row]:
    """One row for each partition on which a group (or any, with None) has state."""
    return tx.rows(_UNREAD, {"own": group})


def delete(tx: Transaction, group: str, queue: Optional[str], *, forget: bool) -> int:
    """Delete a group's cursors, everywhere or on one queue; on how many partitions it had one.

    Args:
        tx: the transaction.
        group: the group.
        queue: the queue; None for all.
        forget: also delete its subscriptions.
    """
    tx.changed.update(_queues_of(tx, group, queue))
    deleted = tx.execute(
        "DELETE FROM cursors WHERE consumer_group = :own AND (:queue IS NULL OR partition_id IN "
        "(SELECT p.id FROM partitions p JOIN queues q ON q.id = p.queue_id WHERE q.name = :queue))",
        {"own": group, "queue": queue},
    ).rowcount
    if forget:
        tx.execute(
            "DELETE FROM subscriptions WHERE consumer_group = :own AND (:queue IS NULL OR queue = :queue)",
            {"own": group, "queue": queue},
        )
    return deleted


def seek(tx: Transaction, group: str, queue: str, moment: Optional[int]) -> int:
    """Move the cursors of a group on a queue to a time, or with None to the end; how many there were."""
    target = (
        "newest_seq"
        if moment is None
        else ("(SELECT MAX(seq) FROM messages m WHERE m.partition_id = p.id AND m.created_at <= ?)")
    )
    condition = "AND p.newest_seq IS NOT NULL" if moment is None else ""
    rows = tx.rows(
        f"SELECT c.partition_id, {target} AS target FROM cursors c JOIN partitions p ON p.id = c.partition_id "  # noqa: S608
        f"JOIN queues q ON q.id = p.queue_id WHERE c.consumer_group = ? AND q.name = ? {condition}",
        [*([] if moment is None else [moment]), group, queue],
    )
    for row in rows:
        _move(tx, group, row["partition_id"], row["target"])
    tx.changed.add(queue)
    return len(rows)


def seek_partition(tx: Transaction, group: str, queue: str, partition: str) -> Optional[Tuple[bool, Optional[int]]]:
    """Move a group's cursor on one partition to the end.

    Returns:
        Whether there was a cursor, and the time of the partition's last message; None for an unknown partition.
    """
    row = tx.row(
        "SELECT p.id, p.newest_seq, p.newest_at, c.partition_id IS NOT NULL AS known FROM partitions p "
        "JOIN queues q ON q.id = p.queue_id "
        "LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = ? WHERE q.name = ? AND p.name = ?",
        [group, queue, partition],
    )
    if row is None:
        return None
    if row["known"] and row["newest_seq"] is not None:
        _move(tx, group, row["id"], row["newest_seq"])
        tx.changed.add(queue)
    return bool(row["known"]), row["newest_at"]


def _move(tx: Transaction, group: str, partition_id: int, target: Optional[int]) -> None:
    tx.execute(
        f"UPDATE cursors SET cursor = ?, {_RELEASED} WHERE partition_id = ? AND consumer_group = ?",  # noqa: S608
        [target, tx.now, partition_id, group],
    )


def _queues_of(tx: Transaction, group: str, queue: Optional[str]) -> List[str]:
    rows = tx.rows(
        "SELECT DISTINCT q.name FROM cursors c JOIN partitions p ON p.id = c.partition_id "
        "JOIN queues q ON q.id = p.queue_id WHERE c.consumer_group = :own AND (:queue IS NULL OR q.name = :queue)",
        {"own": group, "queue": queue},
    )
    return [row["name"] for row in rows]
