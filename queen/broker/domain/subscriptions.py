"""Where a consumer group starts that has no cursor yet."""

from __future__ import annotations

from typing import Optional

import attrs

from queen.broker import timestamps
from queen.broker.domain.names import QUEUE_MODE, storable
from queen.broker.domain.queues import Queue
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction


@attrs.frozen
class Wish:
    """What a pop asks for.

    Attributes:
        mode: only exactly ``new`` has an effect.
        start: ``now`` or a time stamp; it goes before the mode.
    """

    mode: str
    start: str


def start_of(tx: Transaction, queue: Queue, partition: str, group: str, wish: Wish, named: bool) -> Optional[int]:
    """The time from which a group without a cursor reads; None for the beginning.

    A wish is stored the first time: for this partition when the pop named it, else for the whole queue.
    """
    if group == QUEUE_MODE:
        return None
    row = tx.row(
        "SELECT starts_at FROM subscriptions WHERE consumer_group = ? AND queue = ? AND partition IN (?, '') "
        "ORDER BY partition = '' LIMIT 1",
        [group, queue.name, partition],
    )
    if row is not None:
        return int(row["starts_at"])
    if wish.start and wish.start != "now":
        try:
            start, mode = timestamps.read(wish.start, tx.now), "timestamp"
        except DatabaseRefusalError:
            return None
    elif wish.start == "now" or wish.mode == "new":
        start, mode = tx.now, "new"
    else:
        return None
    _store(tx, queue, partition if named else "", group, mode, start)
    return start


def update(tx: Transaction, group: str, timestamp: str) -> int:
    """Give all subscriptions of a group another time; how many there were.

    Raises:
        DatabaseRefusalError: there are some, and the text is no time.
    """
    found = tx.rows("SELECT queue FROM subscriptions WHERE consumer_group = ?", [group])
    if not found:
        return 0
    start = timestamps.read(timestamp, tx.now)
    tx.execute("UPDATE subscriptions SET starts_at = ? WHERE consumer_group = ?", [start, group])
    tx.changed.update(row["queue"] for row in found)
    return len(found)


def _store(tx: Transaction, queue: Queue, partition: str, group: str, mode: str, start: int) -> None:
    tx.execute(
        "INSERT INTO subscriptions (consumer_group, queue, partition, mode, starts_at, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [storable(group), queue.name, partition, mode, start, tx.now],
    )
    # The server makes rows for this group on all partitions with messages, which its listings show.
    tx.execute(
        "INSERT INTO cursors (partition_id, consumer_group, last_consumed_at) "
        "SELECT id, ?, ? FROM partitions WHERE queue_id = ? AND newest_seq IS NOT NULL "
        "ON CONFLICT (partition_id, consumer_group) DO NOTHING",
        [group, tx.now, queue.id],
    )
