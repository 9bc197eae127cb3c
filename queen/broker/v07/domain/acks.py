"""Single acks: the cursor follows the last one, and only a failure that completes the batch is retried."""

from __future__ import annotations

import sqlite3
from typing import Optional

import attrs
from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain import dead_letters
from queen.broker.domain.queues import DEFAULTS
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction
from queen.broker.v07.domain import cursors

COMPLETED: Final = "completed"
RETRIED: Final = "failed_retry"
DEAD_LETTER: Final = "failed_dlq"
NOT_FOUND: Final = "not_found"
_INVALID_LEASE: Final = "invalid_lease"
_INVALID_REQUEST: Final = "invalid_request"
APPLIED: Final = (COMPLETED, RETRIED, DEAD_LETTER)

_FIND: Final = """
SELECT p.id AS partition_id, q.name AS queue, m.seq, COALESCE(json_extract(q.options, '$.retryLimit'), ?) AS retry_limit
FROM partitions p JOIN queues q ON q.id = p.queue_id
LEFT JOIN messages m ON m.partition_id = p.id AND m.transaction_id = ? WHERE p.uuid = ?
"""


@attrs.frozen
class Ack:
    """One ack.

    Attributes:
        lease_id: None checks nothing; any other text must be a live lease of the partition.
        error: kept with a dead letter.
    """

    transaction_id: str
    partition_id: str
    status: str
    group: str
    error: str
    lease_id: Optional[str] = None


@attrs.frozen
class Target:
    """The message of an ack, if it is there, and the row of its group, if there is one."""

    partition_id: int
    queue: str
    retry_limit: int
    seq: Optional[int]
    cursor: Optional[sqlite3.Row]


def acknowledge(tx: Transaction, ack: Ack) -> str:
    """Apply an ack: what became of it, one of ``APPLIED``, or why it was refused."""
    if not ack.partition_id:
        return _INVALID_REQUEST
    try:
        target = find(tx, ack)
    except DatabaseRefusalError:
        return NOT_FOUND
    if ack.lease_id is not None and not _is_live(tx, target, ack.lease_id):
        return _INVALID_LEASE
    if ack.status == "completed":
        return complete(tx, ack, target)
    return _fail(tx, ack, target) if ack.status == "failed" else NOT_FOUND


def find(tx: Transaction, ack: Ack) -> Optional[Target]:
    """What an ack is about; None for an unknown partition.

    Raises:
        DatabaseRefusalError: the partition id is no UUID.
    """
    row = tx.row(_FIND, [DEFAULTS["retryLimit"], ack.transaction_id, identifiers.read(ack.partition_id)])
    if row is None:
        return None
    cursor = cursors.find(tx, row["partition_id"], ack.group)
    return Target(row["partition_id"], row["queue"], row["retry_limit"], row["seq"], cursor)


def complete(tx: Transaction, ack: Ack, target: Optional[Target]) -> str:
    """Set the cursor to a message, whether it belongs to the batch or not."""
    if target is None or target.seq is None or target.cursor is None:
        return NOT_FOUND
    cursors.advance(tx, target.partition_id, ack.group, target.seq)
    tx.changed.add(target.queue)
    return COMPLETED


def give_up(tx: Transaction, ack: Ack, target: Optional[Target]) -> str:
    """Pass a message, and keep it as a dead letter unless the group has done so; an unknown message does nothing."""
    if target is None or target.seq is None:
        return DEAD_LETTER
    present = tx.row("SELECT 1 FROM dead_letters WHERE message_seq = ? AND consumer_group = ?", [target.seq, ack.group])
    if present is None:
        dead_letters.write(tx, target.partition_id, target.seq, ack.group, ack.error, 0)
    cursors.advance(tx, target.partition_id, ack.group, target.seq, reset_failures=True)
    tx.changed.add(target.queue)
    return DEAD_LETTER


def _fail(tx: Transaction, ack: Ack, target: Optional[Target]) -> str:
    if target is None or target.seq is None or target.cursor is None:
        return give_up(tx, ack, target)
    if cursors.is_last(target.cursor) and target.cursor["retry_count"] < target.retry_limit:
        cursors.count_failure(tx, target.partition_id, ack.group)
        tx.changed.add(target.queue)
        return RETRIED
    return give_up(tx, ack, target)


def _is_live(tx: Transaction, target: Optional[Target], lease_id: str) -> bool:
    """Whether a lease is live on the partition; any group's will do."""
    if target is None:
        return False
    count = "SELECT COUNT(*) FROM cursors WHERE partition_id = ? AND lease_id = ? AND lease_until > ?"
    return tx.number(count, [target.partition_id, lease_id, tx.now]) > 0
