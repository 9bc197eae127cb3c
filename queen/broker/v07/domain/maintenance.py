"""Push maintenance: pushes are held back while it is on, and stored when it goes off."""

from __future__ import annotations

from typing import List, Sequence, Set

from queen.broker.domain import held_pushes, queues
from queen.broker.domain.maintenance import Mode, is_on
from queen.broker.domain.pushing import Item
from queen.broker.store.database import Transaction
from queen.broker.v07.domain import pushing
from queen.broker.v07.domain.pushing import Outcome, made_up


def hold(tx: Transaction, items: Sequence[Item]) -> List[Outcome]:
    """Hold messages back, without looking at the room in their queue either."""
    outcomes = [Outcome(item, "buffered", made_up(tx, item)) for item in items]
    for outcome in outcomes:
        held_pushes.hold(tx, outcome.item, outcome.transaction_id)
    return outcomes


def drain(tx: Transaction) -> None:
    """Store what was held back, in order, unless it still is to be.

    Those of unknown queues, those that are there already and those that cannot be stored vanish; those without room in
    their queue stay, and are tried again by the next push or pop.
    """
    if tx.row("SELECT 1 FROM held_pushes LIMIT 1") is None or is_on(tx, Mode.PUSH):
        return
    full: Set[str] = set()
    for held in held_pushes.in_order(tx):
        name = held.item.queue
        queue = queues.find(tx, name)
        if name in full or (queue is not None and not pushing.has_room(tx, queue, 1)):
            full.add(name)
            continue
        pushing.push(tx, [held.item])
        held_pushes.forget(tx, held)
