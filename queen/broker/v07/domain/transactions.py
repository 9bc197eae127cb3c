"""Transactions: all operations run, whatever became of those before, and if one has failed nothing is kept."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple, Union

import attrs
from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain import pushing, queues
from queen.broker.domain.names import document, storable
from queen.broker.domain.pushing import Item
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction
from queen.broker.v07.domain import acks, cursors
from queen.broker.v07.domain.acks import Ack
from queen.broker.v07.domain.claims import Popped
from queen.broker.v07.domain.pushing import made_up

_ABORTED: Final = "current transaction is aborted, commands ignored until end of transaction block"
_INVALID: Final = "invalid_request"


@attrs.frozen
class Push:
    """Items to store."""

    items: Sequence[Item]


@attrs.frozen
class Impossible:
    """An operation that cannot be run: it fails, and says why."""

    type: str
    error: str


@attrs.frozen
class StoredItem:
    """An item of a push; without a message it has failed."""

    transaction_id: str
    message: Optional[str] = None
    error: Optional[str] = None


@attrs.frozen
class Pushed:
    """What became of the items of a push."""

    items: Sequence[StoredItem]


@attrs.frozen
class Acked:
    """What became of an ack."""

    outcome: str
    error: Optional[str] = None


Operation = Union[Push, Ack, Popped, Impossible]
Done = Union[Pushed, Acked, Popped, Impossible]


class RolledBackError(Exception):
    """A transaction of which nothing was kept, what its operations said, and perhaps what ended it."""

    def __init__(self, done: Sequence[Done], error: Optional[str]) -> None:
        super().__init__(error)
        self.done = list(done)
        self.error = error


def commit(tx: Transaction, operations: Sequence[Operation], ending: Optional[str] = None) -> List[Done]:
    """Run operations. Pops were run before, since they are no part of the transaction.

    Args:
        tx: the transaction.
        operations: those that could be read.
        ending: why the one behind them could not be read; everything is rolled back then.

    Raises:
        RolledBackError: one of them has failed.
    """
    run = _Run(tx)
    done = [run.operation(operation) for operation in operations]
    if run.aborted:
        ending = f"Query command failed: ERROR:  {_ABORTED}\n"
    if run.failed or ending is not None:
        raise RolledBackError(done, ending)
    return done


class _Run:
    """The operations so far.

    Attributes:
        failed: whether one has failed.
        aborted: whether the database refused a statement, and so refuses all that come after.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.failed = False
        self.aborted = False

    def operation(self, operation: Operation) -> Done:
        """Run one more."""
        if isinstance(operation, Push):
            return Pushed([self._push(item) for item in operation.items])
        if isinstance(operation, Ack):
            acked = self._acknowledge(operation)
            self.failed = self.failed or acked.outcome not in acks.APPLIED
            return acked
        if isinstance(operation, Impossible):
            self.failed = True
        return operation

    def _push(self, item: Item) -> StoredItem:
        transaction_id = made_up(self._tx, item)
        if self.aborted:
            return StoredItem(transaction_id, error="Failed to ensure queue exists")
        try:
            return StoredItem(transaction_id, _store(self._tx, item, transaction_id))
        except DatabaseRefusalError as refusal:
            self.failed = self.aborted = True
            return StoredItem(transaction_id, error=f"Query failed: {refusal.text}")

    def _acknowledge(self, ack: Ack) -> Acked:
        if not ack.partition_id:
            return Acked(_INVALID, "partition_id is required")
        if self.aborted:
            return Acked(acks.NOT_FOUND, f"Query failed: ERROR:  {_ABORTED}\n")
        try:
            target = acks.find(self._tx, ack)
        except DatabaseRefusalError as refusal:
            self.aborted = True
            return Acked(acks.NOT_FOUND, f"Query failed: {refusal.text}")
        if ack.status == "completed":
            return Acked(acks.complete(self._tx, ack, target))
        # A failure is never retried here.
        return Acked(acks.give_up(self._tx, ack, target) if ack.status == "failed" else acks.NOT_FOUND)


def _store(tx: Transaction, item: Item, transaction_id: str) -> str:
    partition_id, trace_id = _prepare(tx, item)
    message, seq = pushing.insert(tx, partition_id, storable(transaction_id), document(item.payload), trace_id)
    if seq is None:
        raise DatabaseRefusalError(
            'duplicate key value violates unique constraint "messages_partition_transaction_unique"'
        )
    pushing.note_newest(tx, partition_id, seq)
    cursors.count_pushed(tx, partition_id, 1)
    tx.changed.add(item.queue)
    return message


def _prepare(tx: Transaction, item: Item) -> Tuple[int, str]:
    """The partition, created with its queue if need be, and the trace id, made up if there is none."""
    partition_id, _ = queues.ensure_partition(tx, queues.ensure_plain(tx, item.queue), item.partition)
    return partition_id, identifiers.random() if item.trace_id is None else identifiers.read(item.trace_id)
