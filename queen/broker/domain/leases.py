"""Leases: renewed, and ended before their time."""

from __future__ import annotations

from typing import Optional, Tuple, Union

from queen.broker.store.database import Transaction

NOT_FOUND = "Lease not found"
EXPIRED = "Lease already expired"

_LIVE = """
SELECT c.partition_id, c.consumer_group, q.name AS queue
FROM cursors c JOIN partitions p ON p.id = c.partition_id JOIN queues q ON q.id = p.queue_id
WHERE c.lease_until > :now AND (:queue IS NULL OR q.name = :queue) AND (:own IS NULL OR c.consumer_group = :own)
"""


def extend(tx: Transaction, lease_id: str, seconds: int) -> Tuple[Union[int, None], str]:
    """Make a lease last at least so long from now, on all partitions where it is in force; it never gets shorter.

    Returns:
        Its earliest end, or None and why it was not renewed.
    """
    until = tx.now + seconds * 1_000_000
    extended = tx.execute(
        "UPDATE cursors SET lease_until = MAX(lease_until, ?) WHERE lease_id = ? AND lease_until > ?",
        [until, lease_id, tx.now],
    ).rowcount
    if not extended:
        known = tx.number("SELECT COUNT(*) FROM cursors WHERE lease_id = ?", [lease_id])
        return None, EXPIRED if known else NOT_FOUND
    ends = tx.number("SELECT MIN(lease_until) FROM cursors WHERE lease_id = ? AND lease_until > ?", [lease_id, tx.now])
    return ends, ""


def expire(tx: Transaction, queue: Optional[str], group: Optional[str]) -> int:
    """End live leases of messages now, as if their time had run out.

    Args:
        tx: the transaction.
        queue: those of one queue; None for all.
        group: those of one group; None for all.

    Returns:
        On how many partitions a group held one.
    """
    live = tx.rows(_LIVE, {"now": tx.now, "queue": queue, "own": group})
    for row in live:
        tx.execute(
            "UPDATE cursors SET lease_until = ? WHERE partition_id = ? AND consumer_group = ?",
            [tx.now, row["partition_id"], row["consumer_group"]],
        )
        tx.changed.add(row["queue"])
    return len(live)
