"""Cursors: one row for each partition and group, which a pop makes and acks move."""

from __future__ import annotations

import sqlite3
from typing import Optional

from typing_extensions import Final

from queen.broker.store.database import Transaction

_RELEASED: Final = "lease_id = NULL, lease_until = NULL, batch_size = 0, acked_count = 0"
_FULL: Final = "batch_size > 0 AND acked_count + :count >= batch_size"
_ADVANCE: Final = f"""
UPDATE cursors SET cursor = :seq, starts_at = NULL, last_consumed_at = :now, consumed_total = consumed_total + :count,
    retry_count = CASE WHEN :reset THEN 0 ELSE retry_count END,
    lease_id = CASE WHEN {_FULL} THEN NULL ELSE lease_id END,
    lease_until = CASE WHEN {_FULL} THEN NULL ELSE lease_until END,
    acked_count = CASE WHEN {_FULL} THEN 0 ELSE acked_count + :count END,
    batch_size = CASE WHEN {_FULL} THEN 0 ELSE batch_size END
WHERE partition_id = :partition AND consumer_group = :own
"""  # noqa: S608  (own text)


def find(tx: Transaction, partition_id: int, group: str) -> Optional[sqlite3.Row]:
    """The row of a group on a partition."""
    return tx.row("SELECT * FROM cursors WHERE partition_id = ? AND consumer_group = ?", [partition_id, group])


def is_leased(row: sqlite3.Row, now: int) -> bool:
    """Whether a lease is live."""
    return row["lease_id"] is not None and row["lease_until"] > now


def is_last(row: sqlite3.Row, count: int = 1) -> bool:
    """Whether so many acks more complete the batch."""
    return bool(row["batch_size"] > 0 and row["acked_count"] + count >= row["batch_size"])


def clear_expired(tx: Transaction) -> None:
    """End all leases that have run out, of all groups; what was counted in them is forgotten, failures are not."""
    tx.execute(f"UPDATE cursors SET {_RELEASED} WHERE lease_id IS NOT NULL AND lease_until < ?", [tx.now])  # noqa: S608


def release(tx: Transaction, partition_id: int, group: str) -> None:
    """End a lease; the cursor stays."""
    tx.execute(
        f"UPDATE cursors SET {_RELEASED} WHERE partition_id = ? AND consumer_group = ?",  # noqa: S608
        [partition_id, group],
    )


def count_failure(tx: Transaction, partition_id: int, group: str) -> None:
    """Give a batch back: its lease ends, the cursor stays, and one failure more is counted."""
    release(tx, partition_id, group)
    tx.execute(
        "UPDATE cursors SET retry_count = retry_count + 1 WHERE partition_id = ? AND consumer_group = ?",
        [partition_id, group],
    )


def advance(
    tx: Transaction, partition_id: int, group: str, seq: int, *, count: int = 1, reset_failures: bool = False
) -> None:
    """Set a cursor to a message, backwards too, and count acks: the lease ends when the batch is complete.

    A group without a row stays without one.
    """
    moved = tx.execute(
        _ADVANCE,
        {
            "partition": partition_id,
            "own": group,
            "seq": seq,
            "now": tx.now,
            "count": count,
            "reset": int(reset_failures),
        },
    ).rowcount
    if moved:
        tx.consumed[partition_id] += count


def count_batch(tx: Transaction, partition_id: int, group: str, acks: int) -> None:
    """Count a batch ack that moved a cursor, as the listings show it."""
    tx.execute(
        "UPDATE cursors SET batches_total = batches_total + 1, pending = MAX(0, pending - ?) "
        "WHERE partition_id = ? AND consumer_group = ?",
        [acks, partition_id, group],
    )


def count_pushed(tx: Transaction, partition_id: int, messages: int) -> None:
    """Count messages that arrived while groups have rows, as the listings show it."""
    tx.execute("UPDATE cursors SET pending = pending + ? WHERE partition_id = ?", [messages, partition_id])
