"""Single messages: looked at, deleted, and their status."""

from __future__ import annotations

import sqlite3
from typing import Optional, Sequence

import attrs
from typing_extensions import Literal

from queen.broker import identifiers
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.queues import Queue, queue_from
from queen.broker.store.database import Transaction

Status = Literal["completed", "dead_letter", "pending", "processing"]


@attrs.frozen
class Detail:
    """A message, its queue, and where the groups of its partition stand."""

    message: sqlite3.Row
    queue: Queue
    dead_letter: Optional[sqlite3.Row]
    groups: Sequence[sqlite3.Row]
    now: int

    @property
    def status(self) -> Status:
        """``dead_letter``, ``completed``, ``processing`` or ``pending``, over all groups."""
        if self.dead_letter is not None:
            return "dead_letter"
        own = self.queue_mode
        others = [row for row in self.groups if row is not own]
        if own is None and others:
            return "completed" if all(self.consumed_by(row) for row in others) else "pending"
        if own is not None and self.consumed_by(own):
            return "completed"
        if own is not None and own["lease_until"] is not None and own["lease_until"] > self.now:
            return "processing"
        return "pending"

    @property
    def queue_mode(self) -> Optional[sqlite3.Row]:
        """Where queue mode stands."""
        return next((row for row in self.groups if row["consumer_group"] == QUEUE_MODE), None)

    def consumed_by(self, group: sqlite3.Row) -> bool:
        """Whether a group's cursor is at or behind the message."""
        return group["cursor"] is not None and group["cursor"] >= self.message["seq"]


def detail(tx: Transaction, partition_id: str, transaction_id: str) -> Optional[Detail]:
    """A message with all that is known of it.

    Raises:
        DatabaseRefusalError: the partition id is no UUID.
    """
    message = _find(tx, partition_id, transaction_id)
    if message is None:
        return None
    queue = tx.row(
        "SELECT q.* FROM queues q JOIN partitions p ON p.queue_id = q.id WHERE p.id = ?", [message["partition_id"]]
    )
    assert queue is not None
    return Detail(
        message,
        queue_from(queue),
        tx.row("SELECT * FROM dead_letters WHERE message_seq = ? LIMIT 1", [message["seq"]]),
        tx.rows("SELECT * FROM cursors WHERE partition_id = ? ORDER BY consumer_group", [message["partition_id"]]),
        tx.now,
    )


def delete(tx: Transaction, partition_id: str, transaction_id: str) -> bool:
    """Delete a message with its dead letters and traces; cursors, leases and the newest pointer stay.

    Raises:
        DatabaseRefusalError: the partition id is no UUID.
    """
    message = _find(tx, partition_id, transaction_id)
    if message is None:
        return False
    tx.execute("DELETE FROM messages WHERE seq = ?", [message["seq"]])
    return True


def _find(tx: Transaction, partition_id: str, transaction_id: str) -> Optional[sqlite3.Row]:
    return tx.row(
        "SELECT m.*, p.uuid AS partition_uuid, p.name AS partition FROM messages m "
        "JOIN partitions p ON p.id = m.partition_id WHERE p.uuid = ? AND m.transaction_id = ?",
        [identifiers.read(partition_id), transaction_id],
    )
