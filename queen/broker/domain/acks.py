"""Acks: cursors move, leases end, failures are counted, dead letters are written.

Server 0.15 lets a ``completed`` behind a failure in the same call move the cursor past the failed message, which is
then neither redelivered nor a dead letter. The embedded dialect refuses it: the failure has given the lease back.
"""

from __future__ import annotations

import sqlite3
from typing import Dict, List, Optional, Sequence, Set, Tuple

import attrs
from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain import dead_letters
from queen.broker.domain.queues import DEFAULTS
from queen.broker.store.database import Transaction

NOT_FOUND: Final = "Message not found"
LEASE_OVER: Final = "Invalid or expired lease"

COMPLETED: Final = ("completed", "success")
_FIND: Final = """
SELECT m.seq, m.partition_id, p.name AS partition, p.uuid AS partition_uuid, q.name AS queue,
    COALESCE(json_extract(q.options, '$.retryLimit'), ?) AS retry_limit
FROM partitions p JOIN queues q ON q.id = p.queue_id
LEFT JOIN messages m ON m.partition_id = p.id AND m.transaction_id = ?
WHERE p.uuid = ?
"""


@attrs.frozen
class Ack:
    """One ack.

    Attributes:
        lease_id: None or empty checks nothing.
        error: kept with a dead letter.
    """

    transaction_id: str
    partition_id: str
    lease_id: Optional[str]
    status: str
    group: str
    error: str


@attrs.frozen
class AckOutcome:
    """What became of an ack."""

    transaction_id: str
    success: bool
    error: Optional[str] = None
    queue: Optional[str] = None
    partition: Optional[str] = None
    lease_released: Optional[bool] = False
    dlq: bool = False


@attrs.frozen
class _Found:
    """The message of an ack, and where its group stands."""

    row: sqlite3.Row
    cursor: Optional[sqlite3.Row]

    @property
    def seq(self) -> int:
        return int(self.row["seq"])

    @property
    def partition_id(self) -> int:
        return int(self.row["partition_id"])


def acknowledge(tx: Transaction, acks: Sequence[Ack], *, skipping: bool = False) -> List[AckOutcome]:
    """Apply acks: all are checked against the state before, then applied in the order of the messages.

    Args:
        tx: the transaction.
        acks: the acks of one call.
        skipping: whether acks behind a failure of their partition count, as on server 0.15, or are refused.

    Returns:
        The outcomes in the order of the acks.

    Raises:
        DatabaseRefusalError: a partition id that is no UUID; nothing is applied.
    """
    outcomes: Dict[int, AckOutcome] = {}
    valid: List[Tuple[int, Ack, _Found]] = []
    for place, ack in enumerate(acks):
        found, refusal = _check(tx, ack)
        if refusal is not None:
            outcomes[place] = refusal
        elif found is not None:
            valid.append((place, ack, found))
    valid.sort(key=lambda entry: (entry[2].row["partition_uuid"], entry[1].group, entry[2].seq))
    given_back: Set[Tuple[int, str]] = set()
    for place, ack, found in valid:
        where = (found.partition_id, ack.group)
        if where in given_back:
            outcomes[place] = _refused(ack, found.row, LEASE_OVER)
            continue
        # The state may have changed by the acks before.
        current = _Found(found.row, _cursor(tx, found.partition_id, ack.group))
        outcomes[place] = _apply(tx, ack, current)
        if ack.status == "failed" and not outcomes[place].dlq and not skipping:
            given_back.add(where)
        tx.changed.add(found.row["queue"])
    return [outcomes[place] for place in range(len(acks))]


def locate(tx: Transaction, ack: Ack) -> Tuple[Optional[Tuple[int, int, str]], Optional[str]]:
    """The partition, place and queue of a message that a transaction or cycle acknowledges, or why it is refused."""
    found, refusal = _check(tx, ack)
    if refusal is not None or found is None:
        return None, refusal.error if refusal is not None else NOT_FOUND
    return (found.partition_id, found.seq, str(found.row["queue"])), None


def _check(tx: Transaction, ack: Ack) -> Tuple[Optional[_Found], Optional[AckOutcome]]:
    partition = identifiers.read(ack.partition_id)
    row = tx.row(_FIND, [DEFAULTS["retryLimit"], ack.transaction_id, partition])
    if row is None or row["seq"] is None:
        return None, _refused(ack, row, NOT_FOUND)
    cursor = _cursor(tx, row["partition_id"], ack.group)
    if ack.lease_id and not _holds(cursor, ack.lease_id, tx.now):
        return None, _refused(ack, row, LEASE_OVER)
    return _Found(row, cursor), None


def _apply(tx: Transaction, ack: Ack, found: _Found) -> AckOutcome:
    if ack.status in COMPLETED:
        return _outcome(ack, found, lease_released=_complete(tx, found, ack.group))
    if ack.status == "retry":
        _set(tx, found, ack.group, "lease_id = NULL, lease_until = NULL", [])
        return _outcome(ack, found, lease_released=True)
    if ack.status == "failed" and found.cursor is not None and found.cursor["retry_count"] < found.row["retry_limit"]:
        if found.cursor["lease_id"] is not None:
            _set(
                tx,
                found,
                ack.group,
                "lease_id = NULL, lease_until = NULL, batch_size = 0, acked_count = 0, retry_count = retry_count + 1",
                [],
            )
        return _outcome(ack, found, lease_released=True)
    if ack.status in ("failed", "dlq"):
        retries = found.cursor["retry_count"] if found.cursor is not None else 0
        dead_letters.write(tx, found.partition_id, found.seq, ack.group, ack.error, retries)
        if found.cursor is not None:
            _count(tx, found, ack.group, "cursor = ?, last_consumed_at = ?", [found.seq, tx.now], reset_retries=False)
        return _outcome(ack, found, lease_released=False, dlq=True)
    return attrs.evolve(_outcome(ack, found, lease_released=False), success=False)


def _complete(tx: Transaction, found: _Found, group: str) -> Optional[bool]:
    if found.cursor is None:
        return None
    tx.consumed[found.partition_id] += 1
    changes = "cursor = ?, last_consumed_at = ?, consumed_total = consumed_total + 1"
    return _count(tx, found, group, changes, [found.seq, tx.now], reset_retries=True)


def _count(
    tx: Transaction, found: _Found, group: str, changes: str, values: Sequence[int], *, reset_retries: bool
) -> bool:
    """Count one ack of the batch; the lease ends with the last. Whether there is no lease afterwards."""
    cursor = found.cursor
    assert cursor is not None
    if 0 < cursor["batch_size"] <= cursor["acked_count"] + 1:
        changes += ", acked_count = 0, lease_id = NULL, lease_until = NULL"
        changes += ", retry_count = 0" if reset_retries else ""
        released = True
    else:
        changes += ", acked_count = acked_count + 1"
        released = cursor["lease_until"] is None
    _set(tx, found, group, changes, values)
    return released


def _set(tx: Transaction, found: _Found, group: str, changes: str, values: Sequence[int]) -> None:
    statement = f"UPDATE cursors SET {changes} WHERE partition_id = ? AND consumer_group = ?"  # noqa: S608  (own text)
    tx.execute(statement, [*values, found.partition_id, group])


def _cursor(tx: Transaction, partition_id: int, group: str) -> Optional[sqlite3.Row]:
    return tx.row("SELECT * FROM cursors WHERE partition_id = ? AND consumer_group = ?", [partition_id, group])


def _holds(cursor: Optional[sqlite3.Row], lease_id: str, now: int) -> bool:
    return cursor is not None and cursor["lease_id"] == lease_id and cursor["lease_until"] > now


def _outcome(ack: Ack, found: _Found, *, lease_released: Optional[bool], dlq: bool = False) -> AckOutcome:
    row = found.row
    return AckOutcome(ack.transaction_id, True, None, row["queue"], row["partition"], lease_released, dlq)


def _refused(ack: Ack, row: Optional[sqlite3.Row], error: str) -> AckOutcome:
    queue, partition = (None, None) if row is None else (row["queue"], row["partition"])
    return AckOutcome(ack.transaction_id, False, error, queue, partition)
