"""Where a group stands in a partition: its row is made, and set on a message."""

from __future__ import annotations

from queen.broker.store.database import Transaction


def ensure(tx: Transaction, partition_id: int, group: str) -> None:
    """Make the row of a group if there is none."""
    tx.execute(
        "INSERT INTO cursors (partition_id, consumer_group) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [partition_id, group],
    )


def move(tx: Transaction, partition_id: int, group: str, seq: int, *, consumed: int, release: bool) -> None:
    """Set the cursor of a row, if there is one, on a message.

    Args:
        tx: the transaction.
        partition_id: the partition.
        group: the group.
        seq: the place of the message.
        consumed: how many messages count as consumed.
        release: whether the lease ends, however much of its batch is left; without, lease and batch stay.
    """
    ended = ", lease_id = NULL, lease_until = NULL, batch_size = 0, acked_count = 0" if release else ""
    moved = tx.execute(
        "UPDATE cursors SET cursor = ?, last_consumed_at = ?, consumed_total = consumed_total + ?"  # noqa: S608
        f"{ended} WHERE partition_id = ? AND consumer_group = ?",
        [seq, tx.now, consumed, partition_id, group],
    ).rowcount
    if moved and consumed > 0:
        tx.consumed[partition_id] += consumed
