"""Popping: the first partition that yields messages is leased, and the answer is of it alone."""

from __future__ import annotations

import itertools
import sqlite3
from typing import Container, Iterator, List, Optional, Sequence

import attrs
from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain import moments, queues
from queen.broker.domain.names import storable
from queen.broker.domain.queues import Queue
from queen.broker.domain.subscriptions import Wish
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction
from queen.broker.v07.domain import cursors, maintenance, subscriptions
from queen.broker.v07.domain.subscriptions import Source

# How many partitions are tried in turn: of a queue, and of a namespace and task.
_PARTITIONS: Final = 100
_PAIRS: Final = 10
# Partitions that have ever had a message, whose newest is after the cursor; that consumed longest ago comes first.
_CANDIDATES: Final = """
SELECT p.id, p.uuid, p.name FROM partitions p
LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = :own
WHERE p.queue_id = :queue AND p.newest_seq IS NOT NULL AND (c.lease_id IS NULL OR c.lease_until <= :now)
  AND p.newest_seq > COALESCE(c.cursor, 0) AND p.newest_at >= COALESCE(c.starts_at, 0)
ORDER BY c.last_consumed_at, p.newest_at DESC, p.id
"""


@attrs.frozen(kw_only=True)
class PopRequest:
    """What to pop.

    Attributes:
        batch: at most so many messages. None for 0; for a negative number too, and then the lease stays.
        auto_ack: acknowledge at delivery.
    """

    source: Source
    group: str
    batch: int
    auto_ack: bool
    wish: Wish


@attrs.frozen
class Popped:
    """What a pop found, perhaps nothing.

    Attributes:
        lease_id: of the last partition that was tried; given back if it had nothing.
    """

    queue: str = ""
    partition: str = ""
    partition_uuid: str = ""
    lease_id: Optional[str] = None
    messages: Sequence[sqlite3.Row] = ()


@attrs.frozen
class _Place:
    """A partition to try."""

    queue: Queue
    id: int
    uuid: str
    name: str


def pop(tx: Transaction, request: PopRequest, locked: Container[str] = ()) -> Popped:
    """Lease and read.

    Args:
        tx: the transaction.
        request: what to pop.
        locked: ids of partitions that cannot be leased now.
    """
    maintenance.drain(tx)
    if not subscribe(tx, request):
        return Popped()
    lease_id: Optional[str] = None
    for place in _places(tx, request):
        taken = None if place.uuid in locked else _lease(tx, place, request.group)
        if taken is None:
            continue
        if request.batch < 0:
            return Popped()
        lease_id = taken
        messages = _unread(tx, place, request)
        if messages:
            _deliver(tx, place, request, messages)
            return Popped(place.queue.name, place.name, place.uuid, lease_id, messages)
        cursors.release(tx, place.id, request.group)
    return Popped(lease_id=lease_id)


def subscribe(tx: Transaction, request: PopRequest) -> bool:
    """What every pop does first; whether the database takes it, since a pop that it refuses finds nothing."""
    try:
        subscriptions.remember(tx, request.source, storable(request.group), request.wish)
    except DatabaseRefusalError:
        return False
    return True


def give_back(tx: Transaction, popped: Popped, group: str) -> None:
    """Undo a pop that reached nobody: its lease is released, and nothing is counted."""
    if popped.lease_id is not None:
        tx.execute(
            "UPDATE cursors SET lease_id = NULL, lease_until = NULL, batch_size = 0, acked_count = 0 "
            "WHERE lease_id = ? AND consumer_group = ?",
            [popped.lease_id, group],
        )
        tx.changed.add(popped.queue)


def next_event(tx: Transaction, request: PopRequest, since: int) -> Optional[int]:
    """When, after a time, a pop that found nothing can find something; None if only an event can change that."""
    return moments.next_event(tx, _queues(tx, request.source), request.group, since)


def _queues(tx: Transaction, source: Source) -> List[Queue]:
    if source.queue is None:
        return queues.matching(tx, source.namespace, source.task)
    found = queues.find(tx, source.queue)
    return [] if found is None else [found]


def _places(tx: Transaction, request: PopRequest) -> Iterator[_Place]:
    source = request.source
    found = {queue.id: queue for queue in _queues(tx, source)}
    if source.queue is None:
        rows, limit = tx.rows("SELECT id, uuid, name, queue_id FROM partitions ORDER BY id"), _PAIRS
        places = [_Place(found[row["queue_id"]], *row[:3]) for row in rows if row["queue_id"] in found]
    elif source.partition is None:
        limit = _PARTITIONS
        places = [
            _Place(queue, *row)
            for queue in found.values()
            for row in tx.rows(_CANDIDATES, {"own": request.group, "queue": queue.id, "now": tx.now})
        ]
    else:
        named, limit = "SELECT id, uuid, name FROM partitions WHERE queue_id = ? AND name = ?", 1
        places = [
            _Place(queue, *row) for queue in found.values() for row in tx.rows(named, [queue.id, source.partition])
        ]
    return itertools.islice((place for place in places if not _closed(tx, place)), limit)


def _closed(tx: Transaction, place: _Place) -> bool:
    """Whether the window buffer holds a partition back: it has a message, read or not, that is younger."""
    window = place.queue.micros("windowBuffer")
    if window <= 0:
        return False
    row = tx.row("SELECT created_at FROM messages WHERE partition_id = ? ORDER BY seq DESC LIMIT 1", [place.id])
    return row is not None and row["created_at"] > tx.now - window


def _lease(tx: Transaction, place: _Place, group: str) -> Optional[str]:
    """Lease a partition, making the group's cursor if need be; None if it is leased, or leases last no time."""
    cursors.clear_expired(tx)
    row = cursors.find(tx, place.id, group)
    if row is None:
        start = subscriptions.start_of(tx, place.queue.name, place.name, group)
        tx.execute(
            "INSERT INTO cursors (partition_id, consumer_group, starts_at) VALUES (?, ?, ?)", [place.id, group, start]
        )
    elif cursors.is_leased(row, tx.now):
        return None
    span = place.queue.micros("leaseTime")
    if span <= 0:
        return None
    lease_id = identifiers.time_ordered(tx.now)
    tx.execute(
        "UPDATE cursors SET lease_id = ?, lease_until = ? WHERE partition_id = ? AND consumer_group = ?",
        [lease_id, tx.now + span, place.id, group],
    )
    return lease_id


def _unread(tx: Transaction, place: _Place, request: PopRequest) -> List[sqlite3.Row]:
    """What the cursor has not passed and neither the delay nor the longest wait hides."""
    row = cursors.find(tx, place.id, request.group)
    assert row is not None
    delay, longest = place.queue.micros("delayedProcessing"), place.queue.micros("maxWaitTimeSeconds")
    oldest = max(row["starts_at"] or 0, tx.now - longest if longest > 0 else 0)
    youngest = tx.now - max(delay, 0)
    return tx.rows(
        "SELECT seq, uuid, transaction_id, trace_id, payload, created_at FROM messages "
        "WHERE partition_id = ? AND seq > ? AND created_at >= ? AND created_at <= ? ORDER BY seq LIMIT ?",
        [place.id, row["cursor"] or 0, oldest, youngest, request.batch],
    )


def _deliver(tx: Transaction, place: _Place, request: PopRequest, messages: Sequence[sqlite3.Row]) -> None:
    tx.execute(
        "UPDATE cursors SET batch_size = ?, acked_count = 0 WHERE partition_id = ? AND consumer_group = ?",
        [len(messages), place.id, request.group],
    )
    if request.auto_ack:
        cursors.advance(tx, place.id, request.group, messages[-1]["seq"], count=len(messages))
