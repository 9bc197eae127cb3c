"""Cycles of streaming queries: state, pushes and an ack of the source, in this order, all or nothing."""

from __future__ import annotations

from typing import List, Optional, Sequence, TypeVar, Union

import attrs

from queen.broker import identifiers
from queen.broker.domain import acks, cursors, dead_letters, pushing, query_state
from queen.broker.domain.acks import Ack
from queen.broker.domain.names import storable
from queen.broker.domain.pushing import Item, Stored
from queen.broker.domain.query_state import Change
from queen.broker.domain.transactions import Unstorable
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction

T = TypeVar("T")


@attrs.frozen
class Settlement:
    """The ack of a cycle: that of the last message of a batch settles the whole batch.

    Attributes:
        transaction_id: the message.
        lease_id: None or empty checks nothing.
        count: how many messages it counts for.
        error: kept with a dead letter.
    """

    transaction_id: str
    lease_id: Optional[str]
    status: str
    count: Union[int, Unstorable]
    error: str


@attrs.frozen(kw_only=True)
class Cycle:
    """One cycle, as it was sent: what the database refuses fails at its turn.

    Attributes:
        partition_id: the source partition.
        release: whether a completed ack ends the lease.
    """

    query_id: str
    partition_id: str
    group: str
    changes: Sequence[Union[Change, Unstorable]]
    items: Sequence[Union[Item, Unstorable]]
    settlement: Optional[Settlement]
    release: bool


@attrs.frozen
class Settled:
    """What an ack has done: how many messages it counted, and what is told of the lease and of a dead letter."""

    count: int
    lease_released: bool
    dlq: bool


@attrs.define
class Progress:
    """What a cycle has done so far; the ids are empty until they were read.

    Attributes:
        queue: the source queue; None if there is no such partition.
        changes: how many changes of state were applied.
    """

    query_id: str = ""
    partition_id: str = ""
    queue: Optional[str] = None
    changes: int = 0
    stored: List[Stored] = attrs.field(factory=list)
    settled: Optional[Settled] = None


class CycleFailedError(Exception):
    """A cycle that failed, with what had been done before and was undone."""

    def __init__(self, error: str, progress: Progress) -> None:
        super().__init__(error)
        self.error = error
        self.progress = progress


def run(tx: Transaction, cycle: Cycle) -> Progress:
    """Run a cycle.

    Raises:
        CycleFailedError: a part of it failed.
    """
    progress = Progress()
    try:
        _run(tx, cycle, progress)
    except DatabaseRefusalError as refusal:
        raise CycleFailedError(refusal.reason, progress) from None
    return progress


def _run(tx: Transaction, cycle: Cycle, progress: Progress) -> None:
    progress.query_id = identifiers.read(cycle.query_id)
    progress.partition_id = identifiers.read(cycle.partition_id)
    source = tx.row(
        "SELECT q.name FROM partitions p JOIN queues q ON q.id = p.queue_id WHERE p.uuid = ?", [progress.partition_id]
    )
    progress.queue = None if source is None else source["name"]
    for change in cycle.changes:
        if isinstance(change, Unstorable):
            raise DatabaseRefusalError(change.error)
        query_state.apply(tx, progress.query_id, progress.partition_id, change)
        progress.changes += 1
    progress.stored = pushing.push(tx, [_storable(item) for item in cycle.items])
    if cycle.settlement is not None:
        progress.settled = _settle(tx, cycle, cycle.settlement, progress.partition_id)


def _settle(tx: Transaction, cycle: Cycle, settlement: Settlement, partition: str) -> Settled:
    if not settlement.transaction_id:
        raise DatabaseRefusalError("ack.transactionId is required")
    ack = Ack(
        settlement.transaction_id, partition, settlement.lease_id, settlement.status, cycle.group, settlement.error
    )
    found, error = acks.locate(tx, ack)
    if found is None:
        raise DatabaseRefusalError(error or acks.NOT_FOUND)
    partition_id, seq, queue = found
    tx.changed.add(queue)
    if ack.status in acks.COMPLETED:
        count = _storable(settlement.count)
        cursors.ensure(tx, partition_id, storable(ack.group))
        cursors.move(tx, partition_id, ack.group, seq, consumed=count, release=cycle.release)
        return Settled(count, lease_released=cycle.release, dlq=False)
    if ack.status in ("failed", "dlq"):
        dead_letters.write(tx, partition_id, seq, storable(ack.group), ack.error, 0)
        cursors.move(tx, partition_id, ack.group, seq, consumed=0, release=True)
        # The lease is given back, but the server says that it is not.
        return Settled(0, lease_released=False, dlq=True)
    raise DatabaseRefusalError(f"Unknown ack.status: {ack.status}")


def _storable(part: Union[T, Unstorable]) -> T:
    if isinstance(part, Unstorable):
        raise DatabaseRefusalError(part.error)
    return part
