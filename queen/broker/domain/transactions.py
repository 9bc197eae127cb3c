"""Transactions: acks and pushes in the order written, all or nothing."""

from __future__ import annotations

from typing import List, Optional, Sequence, Union

import attrs

from queen.broker.domain import cursors, dead_letters, pushing
from queen.broker.domain.acks import NOT_FOUND, Ack, locate
from queen.broker.domain.pushing import Item, Stored
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction


@attrs.frozen
class Unknown:
    """An operation of a type that there is not."""

    type: Optional[str]


@attrs.frozen
class Unstorable:
    """An operation that the database refuses, and its words."""

    error: str


@attrs.frozen
class AckDone:
    """An ack, and why it was refused; None where it was not."""

    ack: Ack
    error: Optional[str]
    refused: bool
    dlq: bool


Operation = Union[Ack, Item, Unknown, Unstorable]
Done = Union[AckDone, Stored, Unknown]


class RolledBackError(Exception):
    """A transaction that failed, with what had been done before and was undone."""

    def __init__(self, error: str, done: Sequence[Done]) -> None:
        super().__init__(error)
        self.error = error
        self.done = list(done)


def commit(tx: Transaction, operations: Sequence[Operation]) -> List[Done]:
    """Run operations.

    Raises:
        RolledBackError: one of them failed.
    """
    done: List[Done] = []
    for operation in operations:
        try:
            _run(tx, operation, done)
        except DatabaseRefusalError as refusal:
            raise RolledBackError(refusal.text, done) from None
    return done


def _run(tx: Transaction, operation: Operation, done: List[Done]) -> None:
    if isinstance(operation, Item):
        [stored] = pushing.push(tx, [operation])
        if stored.duplicate:
            raise DatabaseRefusalError(
                'duplicate key value violates unique constraint "messages_partition_transaction_unique"'
            )
        done.append(stored)
    elif isinstance(operation, Ack):
        result = _acknowledge(tx, operation)
        done.append(result)
        if result.refused:
            raise RolledBackError(f"ACK operation failed: {result.error or 'Unknown error'}", done)
    elif isinstance(operation, Unstorable):
        raise DatabaseRefusalError(operation.error)
    else:
        done.append(operation)
        raise RolledBackError(
            f"Unknown operation type: {operation.type if operation.type is not None else 'null'}", done
        )


def _acknowledge(tx: Transaction, ack: Ack) -> AckDone:
    if not ack.partition_id or not ack.transaction_id:
        return AckDone(ack, NOT_FOUND, refused=True, dlq=False)
    found, error = locate(tx, ack)
    if found is None:
        return AckDone(ack, error, refused=True, dlq=False)
    partition_id, seq, queue = found
    if ack.status not in ("completed", "success", "failed", "dlq"):
        return AckDone(ack, None, refused=True, dlq=False)
    cursors.ensure(tx, partition_id, ack.group)
    tx.changed.add(queue)
    dlq = ack.status in ("failed", "dlq")
    if dlq:
        dead_letters.write(tx, partition_id, seq, ack.group, ack.error, 0)
        cursors.move(tx, partition_id, ack.group, seq, consumed=0, release=True)
    else:
        tx.consumed[partition_id] += 1
        tx.execute(
            "UPDATE cursors SET cursor = ?, last_consumed_at = ?, consumed_total = consumed_total + 1, "
            "acked_count = acked_count + 1, "
            "lease_id = CASE WHEN acked_count + 1 >= batch_size THEN NULL ELSE lease_id END, "
            "lease_until = CASE WHEN acked_count + 1 >= batch_size THEN NULL ELSE lease_until END, "
            "batch_size = CASE WHEN acked_count + 1 >= batch_size THEN 0 ELSE batch_size END "
            "WHERE partition_id = ? AND consumer_group = ?",
            [seq, tx.now, partition_id, ack.group],
        )
    return AckDone(ack, None, refused=False, dlq=dlq)
