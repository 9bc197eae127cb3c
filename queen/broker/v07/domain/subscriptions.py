"""Subscriptions: where a group starts on a partition on which it has no cursor yet."""

from __future__ import annotations

from typing import Optional, Tuple

import attrs

from queen.broker import timestamps
from queen.broker.domain.names import QUEUE_MODE, storable
from queen.broker.domain.subscriptions import Wish
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction


@attrs.frozen
class Source:
    """What a pop reads from: a partition of a queue, any of its partitions, or those of a namespace and task."""

    queue: Optional[str] = None
    partition: Optional[str] = None
    namespace: str = ""
    task: str = ""


def remember(tx: Transaction, source: Source, group: str, wish: Wish) -> None:
    """Store what a group asked for at its first pop of a source, whatever there is to read; later wishes count nothing.

    A time that cannot be read stores nothing. Queue mode has no subscriptions.
    """
    if group == QUEUE_MODE:
        return
    try:
        mode, start = _meaning(wish, tx.now)
    except DatabaseRefusalError:
        return
    tx.execute(
        "INSERT INTO subscriptions (consumer_group, queue, partition, namespace, task, mode, starts_at, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            storable(group),
            source.queue or "",
            source.partition or "",
            source.namespace,
            source.task,
            mode,
            start,
            tx.now,
        ],
    )


def start_of(tx: Transaction, queue: str, partition: str, group: str) -> Optional[int]:
    """The time from which a new cursor reads, as stored for the partition, else for the queue; None for the beginning.

    Subscriptions of a namespace and task are never looked at.
    """
    if group == QUEUE_MODE:
        return None
    row = tx.row(
        "SELECT mode, starts_at FROM subscriptions WHERE consumer_group = ? AND queue = ? AND partition IN (?, '') "
        "AND namespace = '' AND task = '' ORDER BY partition = '' LIMIT 1",
        [group, queue, partition],
    )
    return None if row is None or row["mode"] == "all" else int(row["starts_at"])


def _meaning(wish: Wish, now: int) -> Tuple[str, int]:
    if wish.start and wish.start != "now":
        return "timestamp", timestamps.read(wish.start, now)
    if wish.start == "now" or wish.mode in ("new", "new-only"):
        return "new", now
    return "all", 0
