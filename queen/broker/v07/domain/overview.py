"""The whole broker in numbers."""

from __future__ import annotations

import sqlite3
from typing import List

import attrs

from queen.broker.store.database import Transaction
from queen.broker.v07.domain import counts, groups


@attrs.frozen
class Overview:
    """The whole broker in numbers.

    Attributes:
        totals: ``queues``, ``namespaces``, ``tasks`` (distinct values, the empty one too), ``completed`` (acks of queue
            mode) and ``dead_letters``.
        queues: the queues with their counts.
        lagging: the cursors that have not read all, with ``unread`` and the time of the ``oldest`` such message.
    """

    totals: sqlite3.Row
    queues: List[sqlite3.Row]
    lagging: List[sqlite3.Row]


def read(tx: Transaction) -> Overview:
    """Count everything."""
    totals = tx.row(
        "SELECT COUNT(*) AS queues, COUNT(DISTINCT namespace) AS namespaces, COUNT(DISTINCT task) AS tasks, "
        "(SELECT COALESCE(SUM(consumed_total), 0) FROM cursors WHERE consumer_group = '__QUEUE_MODE__') AS completed, "
        "(SELECT COUNT(*) FROM dead_letters) AS dead_letters FROM queues"
    )
    assert totals is not None
    lagging = [row for row in groups.unread(tx, None) if row["unread"]]
    return Overview(totals, counts.of_queues(tx), lagging)
