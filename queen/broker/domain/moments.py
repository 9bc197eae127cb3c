"""When a pop that finds nothing can find something although nobody does anything."""

from __future__ import annotations

from typing import List, Optional, Sequence

from queen.broker.domain.queues import Queue
from queen.broker.store.database import Transaction


def next_event(tx: Transaction, queues: Sequence[Queue], group: str, since: int) -> Optional[int]:
    """The first moment after a time at which a lease of a group ends, or a delay or a window of any queue is over.

    None when only an event can change what a pop finds.
    """
    return min((moment for queue in queues for moment in _of_queue(tx, queue, group, since)), default=None)


def _of_queue(tx: Transaction, queue: Queue, group: str, since: int) -> List[int]:
    lease = tx.row(
        "SELECT MIN(c.lease_until) FROM partitions p JOIN cursors c ON c.partition_id = p.id "
        "WHERE p.queue_id = ? AND c.consumer_group = ? AND c.lease_until > ?",
        [queue.id, group, since],
    )
    moments = [] if lease is None or lease[0] is None else [int(lease[0])]
    delay, window = queue.micros("delayedProcessing"), queue.micros("windowBuffer")
    if delay > 0:
        moments += _first_after(
            tx,
            "SELECT MIN(m.created_at) FROM partitions p JOIN messages m ON m.partition_id = p.id "
            "WHERE p.queue_id = ? AND m.created_at > ?",
            queue,
            delay,
            since,
        )
    if window > 0:
        moments += _first_after(
            tx, "SELECT MIN(newest_at) FROM partitions WHERE queue_id = ? AND newest_at > ?", queue, window, since
        )
    return moments


def _first_after(tx: Transaction, statement: str, queue: Queue, span: int, since: int) -> List[int]:
    row = tx.row(statement, [queue.id, since - span])
    return [] if row is None or row[0] is None else [int(row[0]) + span]
