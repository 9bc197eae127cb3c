"""Trace events of messages."""

from __future__ import annotations

import sqlite3
from typing import List, Optional, Sequence, Tuple

import attrs

from queen.broker import identifiers
from queen.broker.domain.names import document, storable
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction

_LONGEST_EVENT_TYPE = 100


@attrs.frozen
class Event:
    """An event of a message, under names by which it can be found."""

    transaction_id: str
    partition_id: str
    group: str
    event_type: str
    data: object
    names: Sequence[str]


def record(tx: Transaction, event: Event) -> Optional[str]:
    """Record an event; its id, or None for an unknown message.

    Raises:
        DatabaseRefusalError: what the database cannot store.
    """
    if len(event.event_type) > _LONGEST_EVENT_TYPE:
        raise DatabaseRefusalError(f"value too long for type character varying({_LONGEST_EVENT_TYPE})")
    message = tx.row(
        "SELECT m.seq FROM messages m JOIN partitions p ON p.id = m.partition_id "
        "WHERE p.uuid = ? AND m.transaction_id = ?",
        [identifiers.read(event.partition_id), event.transaction_id],
    )
    if message is None:
        return None
    uuid = identifiers.random()
    cursor = tx.execute(
        "INSERT INTO traces (uuid, message_seq, consumer_group, event_type, data, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [uuid, message["seq"], storable(event.group), storable(event.event_type), document(event.data), tx.now],
    )
    for name in dict.fromkeys(event.names):
        tx.execute("INSERT INTO trace_names VALUES (?, ?)", [int(cursor.lastrowid or 0), storable(name)])
    return uuid


def of_message(tx: Transaction, partition_id: str, transaction_id: str) -> List[Tuple[sqlite3.Row, List[str]]]:
    """The events of a message with their names, the oldest first.

    Raises:
        DatabaseRefusalError: the partition id is no UUID.
    """
    rows = tx.rows(
        "SELECT t.* FROM traces t JOIN messages m ON m.seq = t.message_seq JOIN partitions p ON p.id = m.partition_id "
        "WHERE p.uuid = ? AND m.transaction_id = ? ORDER BY t.created_at, t.id",
        [identifiers.read(partition_id), transaction_id],
    )
    return [(row, _names(tx, row["id"])) for row in rows]


def by_name(tx: Transaction, name: str) -> List[Tuple[sqlite3.Row, List[str]]]:
    """The events under a name with their messages and names, the oldest first."""
    rows = tx.rows(
        "SELECT t.*, m.transaction_id, m.payload, p.uuid AS partition_uuid, p.name AS partition, q.name AS queue "
        "FROM trace_names n JOIN traces t ON t.id = n.trace_id JOIN messages m ON m.seq = t.message_seq "
        "JOIN partitions p ON p.id = m.partition_id JOIN queues q ON q.id = p.queue_id "
        "WHERE n.name = ? ORDER BY t.created_at, t.id",
        [name],
    )
    return [(row, _names(tx, row["id"])) for row in rows]


def names(tx: Transaction, limit: int, offset: int) -> Tuple[List[sqlite3.Row], int]:
    """The names in use, the latest used first, and how many there are.

    Raises:
        DatabaseRefusalError: a negative limit or offset.
    """
    for word, value in (("LIMIT", limit), ("OFFSET", offset)):
        if value < 0:
            raise DatabaseRefusalError(f"{word} must not be negative")
    rows = tx.rows(
        "SELECT n.name, COUNT(*) AS traces, COUNT(DISTINCT m.transaction_id) AS messages, "
        "MAX(t.created_at) AS last_seen FROM trace_names n JOIN traces t ON t.id = n.trace_id "
        "JOIN messages m ON m.seq = t.message_seq GROUP BY n.name ORDER BY last_seen DESC, n.name LIMIT ? OFFSET ?",
        [limit, offset],
    )
    return rows, tx.number("SELECT COUNT(DISTINCT name) FROM trace_names")


def _names(tx: Transaction, trace_id: int) -> List[str]:
    return [row["name"] for row in tx.rows("SELECT name FROM trace_names WHERE trace_id = ? ORDER BY name", [trace_id])]
