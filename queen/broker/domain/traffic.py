"""What went through the broker: messages stored and consumed, over time.

Messages that were stored are those that are still there. What was consumed is known by the minute, since the broker was
opened, and for thirty days.
"""

from __future__ import annotations

import sqlite3
from typing import Dict, List, Mapping, Optional

import attrs
from typing_extensions import Final

from queen.broker.store.database import Transaction
from queen.broker.time_units import MINUTE, SECOND, truncate

_QUEUES: Final = (
    "(:queue = '' OR {queue} = :queue) AND (:namespace = '' OR q.namespace = :namespace) "
    "AND (:task = '' OR q.task = :task)"
)


@attrs.frozen
class Scope:
    """Of which queues; an empty text is any.

    Attributes:
        queue: a name.
        namespace: a namespace.
        task: a task.
    """

    queue: str = ""
    namespace: str = ""
    task: str = ""


@attrs.frozen
class Rates:
    """Messages in a second."""

    stored: float
    consumed: float


@attrs.frozen
class Traffic:
    """What went through the broker in a time, in pieces of it.

    Attributes:
        stored: messages, by the start of the piece.
        consumed: likewise.
    """

    stored: Mapping[int, int]
    consumed: Mapping[int, int]

    @property
    def moments(self) -> List[int]:
        """The pieces in which there was any, the newest first."""
        return sorted({*self.stored, *self.consumed}, reverse=True)

    def cut(self, unit: str) -> Traffic:
        """The same in pieces as long as a unit of time.

        Raises:
            DatabaseRefusalError: there is no such unit.
        """
        return Traffic(_cut(self.stored, unit), _cut(self.consumed, unit))


def read(tx: Transaction, scope: Scope, start: int, end: int, width: int) -> Traffic:
    """What was ``stored`` and ``consumed``."""
    return Traffic(stored(tx, scope, start, end, width), consumed(tx, scope, start, end, width))


def stored(tx: Transaction, scope: Scope, start: int, end: int, width: int) -> Mapping[int, int]:
    """How many messages were stored in a time, both ends inclusive: by the start of each piece that has some.

    Args:
        tx: the transaction.
        scope: of which queues.
        start: the first time.
        end: the last time.
        width: how long a piece is, in microseconds.
    """
    return _pieces(
        tx,
        "SELECT m.created_at AS moment, 1 AS messages FROM messages m JOIN partitions p ON p.id = m.partition_id "  # noqa: S608
        f"JOIN queues q ON q.id = p.queue_id WHERE {_QUEUES.format(queue='q.name')}",
        scope,
        start,
        end,
        width,
    )


def consumed(tx: Transaction, scope: Scope, start: int, end: int, width: int) -> Mapping[int, int]:
    """How many messages were consumed by a group, as ``stored``, counted for the minute in which it was."""
    return _pieces(
        tx,
        f"SELECT n.minute * {MINUTE} AS moment, n.messages FROM consumption n LEFT JOIN queues q ON q.name = n.queue "  # noqa: S608
        f"WHERE {_QUEUES.format(queue='n.queue')}",
        scope,
        start - start % MINUTE,
        end,
        width,
    )


def rates(tx: Transaction) -> Rates:
    """How fast messages come and go: in the last full minute and in what has passed of this one."""
    start = tx.now - tx.now % MINUTE - MINUTE
    seconds = (tx.now - start) / SECOND
    found = read(tx, Scope(), start, tx.now, MINUTE)
    come, gone = sum(found.stored.values()), sum(found.consumed.values())
    return Rates(round(come / seconds, 2), round(gone / seconds, 2))


def queues(tx: Transaction, scope: Scope, start: Optional[int] = None, end: Optional[int] = None) -> List[sqlite3.Row]:
    """The queues that have messages, by name, with ``partitions`` and how many messages were ``consumed``.

    Args:
        tx: the transaction.
        scope: which queues.
        start: where the time starts of which they have messages; None for any.
        end: where it ends.
    """
    return tx.rows(
        "SELECT q.*, COUNT(*) AS partitions, "  # noqa: S608
        "COALESCE(SUM((SELECT SUM(c.consumed_total) FROM cursors c WHERE c.partition_id = p.id)), 0) AS consumed "
        f"FROM queues q JOIN partitions p ON p.queue_id = q.id WHERE {_QUEUES.format(queue='q.name')} AND EXISTS ("
        "SELECT 1 FROM messages m JOIN partitions o ON o.id = m.partition_id WHERE o.queue_id = q.id "
        "AND (:start IS NULL OR m.created_at BETWEEN :start AND :end)) GROUP BY q.id ORDER BY q.name",
        {**attrs.asdict(scope), "start": start, "end": end},
    )


def leases(tx: Transaction) -> sqlite3.Row:
    """The leases in force, on how many ``partitions``, with how many messages (``batches``), how many of them
    ``acked``.
    """
    row = tx.row(
        "SELECT COUNT(*) AS active, COUNT(DISTINCT partition_id) AS partitions, "
        "COALESCE(SUM(batch_size), 0) AS batches, COALESCE(SUM(acked_count), 0) AS acked "
        "FROM cursors WHERE lease_until > ?",
        [tx.now],
    )
    assert row is not None
    return row


def _pieces(tx: Transaction, query: str, scope: Scope, start: int, end: int, width: int) -> Dict[int, int]:
    rows = tx.rows(
        f"SELECT moment / :width * :width AS piece, SUM(messages) AS messages FROM ({query}) "  # noqa: S608
        "WHERE moment BETWEEN :start AND :end GROUP BY piece ORDER BY piece",
        {**attrs.asdict(scope), "start": start, "end": end, "width": width},
    )
    return {int(row["piece"]): int(row["messages"]) for row in rows}


def _cut(pieces: Mapping[int, int], unit: str) -> Dict[int, int]:
    sums: Dict[int, int] = {}
    for moment, messages in pieces.items():
        start = truncate(moment, unit)
        sums[start] = sums.get(start, 0) + messages
    return sums
