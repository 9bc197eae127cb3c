"""Messages that push maintenance holds back, without looking at their queue or at duplicates."""

from __future__ import annotations

import json
from typing import List

import attrs

from queen.broker.domain import pushing
from queen.broker.domain.pushing import Item
from queen.broker.store.database import Transaction


@attrs.frozen
class HeldPush:
    """A message that is held back."""

    id: int
    item: Item


def hold(tx: Transaction, item: Item, transaction_id: str) -> None:
    """Hold a message back.

    Args:
        tx: the transaction.
        item: the message.
        transaction_id: its own, or one that was made up for it, so that it has it from now on.
    """
    tx.execute(
        "INSERT INTO held_pushes (queue, partition, transaction_id, trace_id, payload) VALUES (?, ?, ?, ?, ?)",
        [item.queue, item.partition, transaction_id, item.trace_id, json.dumps(item.payload)],
    )


def count(tx: Transaction) -> int:
    """How many messages are held back."""
    return tx.number("SELECT COUNT(*) FROM held_pushes")


def in_order(tx: Transaction) -> List[HeldPush]:
    """The messages that are held back, in the order in which they came."""
    return [
        HeldPush(
            row["id"],
            Item(row["queue"], row["partition"], json.loads(row["payload"]), row["transaction_id"], row["trace_id"]),
        )
        for row in tx.rows("SELECT * FROM held_pushes ORDER BY id")
    ]


def forget(tx: Transaction, held: HeldPush) -> None:
    """Hold a message no longer."""
    tx.execute("DELETE FROM held_pushes WHERE id = ?", [held.id])


def store_all(tx: Transaction) -> None:
    """Store all that is held back, in order; those that cannot be stored vanish."""
    held = in_order(tx)
    pushing.push(tx, [entry.item for entry in held if pushing.is_storable(entry.item)])
    for entry in held:
        forget(tx, entry)
