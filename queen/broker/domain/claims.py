"""Popping: partitions are claimed, and their first unread messages handed out under one lease."""

from __future__ import annotations

import sqlite3
from typing import List, Optional, Sequence, Union

import attrs
from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain import cursors, moments, queues, subscriptions
from queen.broker.domain.names import storable
from queen.broker.domain.queues import Queue
from queen.broker.domain.subscriptions import Wish
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction

_CLAIM: Final = """
INSERT INTO cursors (partition_id, consumer_group, lease_id, lease_until, batch_size, acked_count)
VALUES (?, ?, ?, ?, ?, 0)
ON CONFLICT (partition_id, consumer_group) DO UPDATE SET
    lease_id = excluded.lease_id, lease_until = excluded.lease_until,
    batch_size = excluded.batch_size, acked_count = 0
"""
# A partition is looked at when its newest message is behind the cursor; whether messages are visible shows when it is
# claimed. The partition that was consumed longest ago comes first, so that none starves.
_CANDIDATES: Final = """
SELECT p.id, p.uuid, p.name, c.cursor FROM partitions p
LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = ?
WHERE p.queue_id = ? AND p.newest_seq IS NOT NULL AND p.newest_at <= ?
  AND (c.lease_until IS NULL OR c.lease_until <= ?) AND (c.cursor IS NULL OR c.cursor < p.newest_seq)
ORDER BY c.last_consumed_at, p.id
"""


@attrs.frozen(kw_only=True)
class PopRequest:
    """What to pop: one partition of a queue, any, or any of the queues of a namespace and task."""

    queue: Optional[str]
    partition: Optional[str]
    namespace: str = ""
    task: str = ""
    group: str
    batch: int
    partitions: int
    auto_ack: bool
    wish: Wish


@attrs.frozen
class Claim:
    """A claimed partition and what was read of it; perhaps nothing."""

    queue: str
    partition: str
    partition_uuid: str
    messages: Sequence[sqlite3.Row]


@attrs.frozen
class Claimed:
    """Partitions claimed under one lease.

    Attributes:
        lease_id: empty where the pop acknowledged.
    """

    lease_id: str
    claims: Sequence[Claim]

    @property
    def partitions(self) -> List[str]:
        """The ids of the partitions."""
        return [claim.partition_uuid for claim in self.claims]

    @property
    def has_messages(self) -> bool:
        """Whether anything was read."""
        return any(claim.messages for claim in self.claims)


@attrs.frozen
class NothingClaimed:
    """No partition was claimed, and why: ``no_available_partition``, ``partition_not_found`` or ``lease_held``."""

    reason: str


@attrs.frozen
class WindowClosed:
    """A named partition is closed by its queue's window buffer."""

    partition: str
    partition_uuid: str


@attrs.frozen
class Paused:
    """Pops are in maintenance: it was not looked."""


PopOutcome = Union[Claimed, NothingClaimed, WindowClosed, Paused]


def pop(tx: Transaction, request: PopRequest) -> PopOutcome:
    """Claim and read.

    Raises:
        DatabaseRefusalError: what the server's database refuses.
    """
    storable(request.group)
    if request.queue is None:
        return _pop_any(tx, request, _matching(tx, request))
    queue = queues.find(tx, request.queue)
    # The server reads a partition of this name as any partition.
    if request.partition is None or request.partition == "null":
        return _pop_any(tx, request, [] if queue is None else [queue])
    return _pop_named(tx, request, queue, request.partition)


def give_back(tx: Transaction, outcome: PopOutcome, group: str) -> None:
    """Undo a claim that reached nobody: its leases are released, and nothing is counted."""
    if isinstance(outcome, Claimed) and outcome.lease_id:
        tx.execute(
            "UPDATE cursors SET lease_id = NULL, lease_until = NULL WHERE lease_id = ? AND consumer_group = ?",
            [outcome.lease_id, group],
        )
        tx.changed.update(claim.queue for claim in outcome.claims)


def next_event(tx: Transaction, request: PopRequest, since: int) -> Optional[int]:
    """When, after a time, a pop that found nothing can find something although nobody does anything: a lease ends, a
    delay or a window is over. None when only an event can change it.
    """
    found = queues.find(tx, request.queue) if request.queue is not None else None
    candidates = _matching(tx, request) if request.queue is None else [] if found is None else [found]
    return moments.next_event(tx, candidates, request.group, since)


def _pop_named(tx: Transaction, request: PopRequest, queue: Optional[Queue], name: str) -> PopOutcome:
    row = None
    if queue is not None:
        row = tx.row(
            "SELECT p.id, p.uuid, p.name, p.newest_at, c.cursor, c.lease_until FROM partitions p "
            "LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = ? WHERE p.queue_id = ? AND p.name = ?",
            [request.group, queue.id, name],
        )
    if queue is None or row is None:
        return NothingClaimed("partition_not_found")
    window = queue.micros("windowBuffer")
    if window > 0 and row["newest_at"] is not None and row["newest_at"] > tx.now - window:
        return WindowClosed(name, row["uuid"])
    if row["lease_until"] is not None and row["lease_until"] > tx.now:
        return NothingClaimed("lease_held")
    if request.batch < 0:
        raise DatabaseRefusalError("LIMIT must not be negative")
    lease_id = identifiers.time_ordered(tx.now)
    claim = _claim(tx, request, queue, row, request.batch, lease_id, named=True)
    return Claimed("" if request.auto_ack else lease_id, [claim])


def _pop_any(tx: Transaction, request: PopRequest, candidates: Sequence[Queue]) -> PopOutcome:
    lease_id = identifiers.time_ordered(tx.now)
    budget = max(request.batch, 1)
    claims: List[Claim] = []
    for queue in candidates:
        window = queue.micros("windowBuffer")
        quiet = tx.now - window if window > 0 else tx.now
        for row in tx.rows(_CANDIDATES, [request.group, queue.id, quiet, tx.now]):
            claim = _claim(tx, request, queue, row, budget, lease_id, named=False)
            claims.append(claim)
            budget -= len(claim.messages)
            if budget <= 0 or len(claims) >= max(request.partitions, 1):
                return Claimed("" if request.auto_ack else lease_id, claims)
    if not claims:
        return NothingClaimed("no_available_partition")
    return Claimed("" if request.auto_ack else lease_id, claims)


def _claim(
    tx: Transaction, request: PopRequest, queue: Queue, row: sqlite3.Row, limit: int, lease_id: str, *, named: bool
) -> Claim:
    partition_id, cursor = int(row["id"]), row["cursor"]
    start = None
    if cursor is None:
        # The row must be there before a subscription makes rows for the other partitions.
        cursors.ensure(tx, partition_id, request.group)
        start = subscriptions.start_of(tx, queue, row["name"], request.group, request.wish, named)
    messages = _unread(tx, queue, partition_id, cursor, start, limit)
    until = tx.now + queue.lease_micros
    batch = len(messages) or limit
    tx.execute(_CLAIM, [partition_id, request.group, lease_id, until, batch])
    if not messages:
        _release_empty(tx, partition_id, request.group, start)
    elif request.auto_ack:
        _acknowledge(tx, partition_id, request.group, messages)
    return Claim(queue.name, row["name"], row["uuid"], messages)


def _unread(
    tx: Transaction, queue: Queue, partition_id: int, cursor: Optional[int], start: Optional[int], limit: int
) -> List[sqlite3.Row]:
    delay = queue.micros("delayedProcessing")
    youngest = tx.now - delay if delay > 0 else tx.now
    return tx.rows(
        "SELECT seq, uuid, transaction_id, trace_id, payload, created_at FROM messages "
        "WHERE partition_id = ? AND seq > ? AND created_at >= ? AND created_at <= ? ORDER BY seq LIMIT ?",
        [partition_id, cursor or 0, start or 0, youngest, limit],
    )


def _release_empty(tx: Transaction, partition_id: int, group: str, start: Optional[int]) -> None:
    """Give an empty claim back, so that it blocks nobody; a group that starts at a time is now past what was before."""
    tx.execute(
        "UPDATE cursors SET lease_id = NULL, lease_until = NULL WHERE partition_id = ? AND consumer_group = ?",
        [partition_id, group],
    )
    if start is not None:
        tx.execute(
            "UPDATE cursors SET last_consumed_at = ?, cursor = (SELECT MAX(seq) FROM messages "
            "WHERE messages.partition_id = cursors.partition_id AND created_at <= ?) "
            "WHERE partition_id = ? AND consumer_group = ?",
            [tx.now, start, partition_id, group],
        )


def _acknowledge(tx: Transaction, partition_id: int, group: str, messages: Sequence[sqlite3.Row]) -> None:
    tx.consumed[partition_id] += len(messages)
    tx.execute(
        "UPDATE cursors SET cursor = ?, lease_id = NULL, lease_until = NULL, batch_size = 0, acked_count = 0, "
        "consumed_total = consumed_total + ?, batches_total = batches_total + 1, last_consumed_at = ? "
        "WHERE partition_id = ? AND consumer_group = ?",
        [messages[-1]["seq"], len(messages), tx.now, partition_id, group],
    )


def _matching(tx: Transaction, request: PopRequest) -> List[Queue]:
    return queues.matching(tx, request.namespace, request.task)
