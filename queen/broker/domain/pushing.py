"""Storing messages."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

import attrs
from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain import queues
from queen.broker.domain.names import document, storable
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction

_INSERT: Final = """
INSERT INTO messages (uuid, partition_id, transaction_id, payload, trace_id, created_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (partition_id, transaction_id) DO NOTHING
"""


@attrs.frozen
class Item:
    """A message to store.

    Attributes:
        message_id: its id; None makes one.
        namespace: that of its queue, if the queue must be created; None takes it from the queue's name.
        task: as the namespace.
    """

    queue: str
    partition: str
    payload: object
    transaction_id: Optional[str]
    trace_id: Optional[str]
    message_id: Optional[str] = None
    namespace: Optional[str] = None
    task: Optional[str] = None


@attrs.frozen
class Stored:
    """What became of an item.

    Attributes:
        duplicate: its transaction id is taken; ``message`` is then the id of the message that is there.
    """

    item: Item
    transaction_id: str
    message: str
    partition: str
    trace_id: Optional[str]
    duplicate: bool


def push(tx: Transaction, items: Sequence[Item]) -> List[Stored]:
    """Store items in their order, creating missing queues and partitions; a taken transaction id stores nothing.

    Raises:
        DatabaseRefusalError: an item that the database cannot store.
    """
    partitions: Dict[Tuple[str, str], Tuple[int, str]] = {}
    newest: Dict[int, int] = {}
    stored = []
    for item in items:
        place = partitions.get((item.queue, item.partition))
        if place is None:
            queue_id = queues.ensure(tx, item.queue, item.namespace, item.task)
            place = queues.ensure_partition(tx, queue_id, item.partition)
            partitions[item.queue, item.partition] = place
        partition_id, partition = place
        transaction_id, payload, trace_id = _storable_parts(item)
        message_id = identifiers.read(item.message_id) if item.message_id is not None else None
        message, seq = insert(tx, partition_id, transaction_id, payload, trace_id, message_id)
        if seq is not None:
            newest[partition_id] = seq
            tx.changed.add(item.queue)
        stored.append(Stored(item, transaction_id, message, partition, trace_id, seq is None))
    for partition_id, seq in newest.items():
        note_newest(tx, partition_id, seq)
    return stored


def is_storable(item: Item) -> bool:
    """Whether the database can store an item."""
    try:
        storable(item.queue)
        storable(item.partition)
        _storable_parts(item)
    except DatabaseRefusalError:
        return False
    return True


def insert(
    tx: Transaction,
    partition_id: int,
    transaction_id: str,
    payload: str,
    trace_id: Optional[str],
    message_id: Optional[str] = None,
) -> Tuple[str, Optional[int]]:
    """Store one message whose parts are storable.

    Returns:
        Its id and its place. There is no place if its transaction id is taken, and the id is then that of the message
        that is there.
    """
    message = message_id or identifiers.time_ordered(tx.now)
    cursor = tx.execute(_INSERT, [message, partition_id, transaction_id, payload, trace_id, tx.now])
    if cursor.rowcount == 0:
        return _taken_by(tx, partition_id, transaction_id), None
    return message, int(cursor.lastrowid or 0)


def note_newest(tx: Transaction, partition_id: int, seq: int) -> None:
    """Keep which message of a partition is the newest ever stored."""
    tx.execute("UPDATE partitions SET newest_seq = ?, newest_at = ? WHERE id = ?", [seq, tx.now, partition_id])


def _storable_parts(item: Item) -> Tuple[str, str, Optional[str]]:
    """The transaction id of an item, made up if it has none, its payload and its trace id."""
    transaction_id = storable(item.transaction_id) if item.transaction_id else identifiers.random()
    return transaction_id, document(item.payload), identifiers.read(item.trace_id) if item.trace_id else None


def _taken_by(tx: Transaction, partition_id: int, transaction_id: str) -> str:
    row = tx.row(
        "SELECT uuid FROM messages WHERE partition_id = ? AND transaction_id = ?", [partition_id, transaction_id]
    )
    assert row is not None
    return str(row["uuid"])
