"""Lease renewal."""

from __future__ import annotations

from typing import Tuple, Union

from queen.broker.store.database import Transaction

NOT_FOUND = "Lease not found"
EXPIRED = "Lease already expired"


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
