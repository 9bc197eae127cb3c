"""Push maintenance: pushes are held back while it is on, and stored when it goes off."""

from __future__ import annotations

import json
from typing import List, Sequence, Set

from queen.broker.domain import queues
from queen.broker.domain.pushing import Item
from queen.broker.store.database import Transaction
from queen.broker.v07.domain import pushing
from queen.broker.v07.domain.pushing import Outcome, made_up


def is_on(tx: Transaction) -> bool:
    """Whether pushes are held back; it is stored, so that it outlives the broker."""
    return tx.row("SELECT 1 FROM settings WHERE name = 'maintenance'") is not None


def switch(tx: Transaction, *, on: bool) -> None:
    """Turn it on or off."""
    if on:
        tx.execute("INSERT INTO settings (name) VALUES ('maintenance') ON CONFLICT DO NOTHING")
    else:
        tx.execute("DELETE FROM settings WHERE name = 'maintenance'")
        drain(tx)


def held(tx: Transaction) -> int:
    """How many messages are held back."""
    return tx.number("SELECT COUNT(*) FROM held_pushes")


def hold(tx: Transaction, items: Sequence[Item]) -> List[Outcome]:
    """Hold messages back, without looking at their queue, its room or duplicates."""
    outcomes = [Outcome(item, "buffered", made_up(tx, item)) for item in items]
    for outcome in outcomes:
        item = outcome.item
        tx.execute(
            "INSERT INTO held_pushes (queue, partition, transaction_id, trace_id, payload) VALUES (?, ?, ?, ?, ?)",
            [item.queue, item.partition, outcome.transaction_id, item.trace_id, json.dumps(item.payload)],
        )
    return outcomes


def drain(tx: Transaction) -> None:
    """Store what was held back, in order, unless it still is to be.

    Those of unknown queues, those that are there already and those that cannot be stored vanish; those without room in
    their queue stay, and are tried again by the next push or pop.
    """
    if tx.row("SELECT 1 FROM held_pushes LIMIT 1") is None or is_on(tx):
        return
    full: Set[str] = set()
    for row in tx.rows("SELECT * FROM held_pushes ORDER BY id"):
        queue = queues.find(tx, row["queue"])
        if row["queue"] in full or (queue is not None and not pushing.has_room(tx, queue, 1)):
            full.add(row["queue"])
            continue
        item = Item(row["queue"], row["partition"], json.loads(row["payload"]), row["transaction_id"], row["trace_id"])
        pushing.push(tx, [item])
        tx.execute("DELETE FROM held_pushes WHERE id = ?", [row["id"]])
