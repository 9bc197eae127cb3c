"""Storing messages: into queues that exist and have room, each partition's items together or not at all."""

from __future__ import annotations

from collections import Counter
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import attrs
from typing_extensions import Final, Literal

from queen.broker import identifiers
from queen.broker.domain import pushing, queues
from queen.broker.domain.names import QUEUE_MODE, document, storable
from queen.broker.domain.pushing import Item
from queen.broker.domain.queues import Queue
from queen.broker.domain.unread import READ
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction
from queen.broker.v07.domain import cursors

_UNREAD: Final = f"""
SELECT COUNT(*) FROM partitions p JOIN messages m ON m.partition_id = p.id
LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = ?
WHERE p.queue_id = ? AND NOT {READ.format(cursor="c")}
"""  # noqa: S608  (own text)


@attrs.frozen
class Outcome:
    """What became of an item.

    Attributes:
        message: the id of the message, of the one that is there for a duplicate.
        error: why it failed.
    """

    item: Item
    status: Literal["queued", "duplicate", "failed", "buffered"]
    transaction_id: str
    message: Optional[str] = None
    error: Optional[str] = None


@attrs.frozen
class _Ready:
    """An item that the database can store."""

    item: Item
    transaction_id: str
    payload: str
    trace_id: Optional[str]


def push(tx: Transaction, items: Sequence[Item]) -> List[Outcome]:
    """Store items; a taken transaction id stores nothing.

    A group that the database would refuse, for an id that is in it twice too, is answered ``buffered`` as a whole. The
    server goes on trying to store it, in vain; here that is the end of it.

    Returns:
        The outcomes in the order of the items.
    """
    found = {name: queues.find(tx, name) for name in dict.fromkeys(item.queue for item in items)}
    full = _full(tx, found, items)
    groups: Dict[Tuple[str, str], List[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault((item.queue, item.partition), []).append(place)
    outcomes: Dict[int, Outcome] = {}
    for (name, partition), places in groups.items():
        group, queue = [items[place] for place in places], found[name]
        if name in full:
            done = [Outcome(item, "failed", made_up(tx, item), error=full[name]) for item in group]
        elif queue is None:
            missing = f"Queue '{name}' does not exist. Please create it using the configure endpoint first."
            done = [Outcome(item, "failed", made_up(tx, item), error=missing) for item in group]
        else:
            done = _store(tx, queue, partition, group)
        outcomes.update(zip(places, done))
    return [outcomes[place] for place in range(len(items))]


def made_up(tx: Transaction, item: Item) -> str:
    """An item's transaction id; an empty one is one."""
    return item.transaction_id if item.transaction_id is not None else identifiers.time_ordered(tx.now)


def has_room(tx: Transaction, queue: Queue, count: int) -> bool:
    """Whether so many messages more fit into a queue: what queue mode has not read counts, leased or not."""
    most = int(queue.options["maxSize"])
    return most <= 0 or _unread(tx, queue) + count <= most


def _unread(tx: Transaction, queue: Queue) -> int:
    return tx.number(_UNREAD, [QUEUE_MODE, queue.id])


def _full(tx: Transaction, found: Mapping[str, Optional[Queue]], items: Sequence[Item]) -> Dict[str, str]:
    """The queues without room for what is pushed to them, and how that is told."""
    full: Dict[str, str] = {}
    wanted = Counter(item.queue for item in items)
    for name, queue in found.items():
        count = wanted[name]
        if queue is None or has_room(tx, queue, count):
            continue
        most, present = queue.options["maxSize"], _unread(tx, queue)
        full[name] = f"Queue '{name}' would exceed max capacity ({most}). Current: {present}, Batch: {count}"
    return full


def _store(tx: Transaction, queue: Queue, partition: str, items: Sequence[Item]) -> List[Outcome]:
    named = [(item, made_up(tx, item)) for item in items]
    try:
        ready = [_ready(item, transaction_id) for item, transaction_id in named]
        _refuse_repeated(tx, queue, storable(partition), [entry.transaction_id for entry in ready])
    except DatabaseRefusalError:
        return [Outcome(item, "buffered", transaction_id) for item, transaction_id in named]
    partition_id, _ = queues.ensure_partition(tx, queue.id, partition)
    outcomes: List[Outcome] = []
    newest: List[int] = []
    for entry in ready:
        message, seq = pushing.insert(tx, partition_id, entry.transaction_id, entry.payload, entry.trace_id)
        if seq is not None:
            newest.append(seq)
        outcomes.append(Outcome(entry.item, "duplicate" if seq is None else "queued", entry.transaction_id, message))
    if newest:
        pushing.note_newest(tx, partition_id, newest[-1])
        cursors.count_pushed(tx, partition_id, len(newest))
        tx.changed.add(queue.name)
    return outcomes


def _ready(item: Item, transaction_id: str) -> _Ready:
    trace_id = None if item.trace_id is None else identifiers.read(item.trace_id)
    return _Ready(item, storable(transaction_id), document(item.payload), trace_id)


def _refuse_repeated(tx: Transaction, queue: Queue, partition: str, ids: Sequence[str]) -> None:
    """Refuse an id that is new and comes twice; one that is taken already is a duplicate each time."""
    for transaction_id in (name for name, times in Counter(ids).items() if times > 1):
        taken = tx.row(
            "SELECT 1 FROM messages m JOIN partitions p ON p.id = m.partition_id "
            "WHERE p.queue_id = ? AND p.name = ? AND m.transaction_id = ?",
            [queue.id, partition, transaction_id],
        )
        if taken is None:
            raise DatabaseRefusalError("duplicate key value violates unique constraint")
