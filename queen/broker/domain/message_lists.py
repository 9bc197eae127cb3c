"""Messages in lists: with their status, and who consumes them."""

from __future__ import annotations

import sqlite3
from typing import Dict, List, Optional, Union

import attrs
from typing_extensions import Final, Literal

from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.pages import Page
from queen.broker.domain.unread import READ
from queen.broker.store.database import Transaction

# ``queue_status`` is that of queue mode; ``status`` is that of the groups where only they consume the partition. A
# message is there once for each of its dead letters.
_EACH: Final = f"""
SELECT m.seq, m.uuid, m.transaction_id, m.trace_id, m.payload, m.created_at, p.id AS partition_id,
    p.uuid AS partition_uuid, p.name AS partition, q.name AS queue, q.namespace, q.task, q.options,
    d.id AS dead_letter, d.error,
    c.partition_id IS NOT NULL AS queue_mode, c.lease_until,
    CASE WHEN d.id IS NOT NULL THEN 'dead_letter' WHEN c.partition_id IS NOT NULL AND {READ.format(cursor="c")}
        THEN 'completed' WHEN c.lease_until > :now THEN 'processing' ELSE 'pending' END AS queue_status,
    (SELECT COUNT(*) FROM cursors g WHERE g.partition_id = p.id AND g.consumer_group <> :own) AS bus_groups,
    (SELECT COUNT(*) FROM cursors g WHERE g.partition_id = p.id AND g.consumer_group <> :own
        AND {READ.format(cursor="g")}) AS bus_consumed
FROM messages m JOIN partitions p ON p.id = m.partition_id JOIN queues q ON q.id = p.queue_id
LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = :own
LEFT JOIN dead_letters d ON d.message_seq = m.seq
"""  # noqa: S608  (own text)
MESSAGES: Final = f"""
SELECT *, CASE WHEN queue_status = 'dead_letter' OR queue_mode OR NOT bus_groups THEN queue_status
    WHEN bus_consumed = bus_groups THEN 'completed' ELSE 'pending' END AS status FROM ({_EACH} WHERE {{condition}})
"""  # noqa: S608
_WANTED: Final = MESSAGES.format(
    condition="""(:queue = '' OR q.name = :queue) AND (:partition = '' OR p.name = :partition)
    AND (:namespace = '' OR q.namespace = :namespace) AND (:task = '' OR q.task = :task)
    AND m.created_at BETWEEN :since AND :until"""
)
_EXACTLY: Final = "(:status = '' OR status = :status)"
_MODE: Final = """
SELECT COALESCE(MAX(consumer_group = :own), 0) AS queue_mode,
    COUNT(DISTINCT CASE WHEN consumer_group <> :own THEN consumer_group END) AS bus_groups
FROM cursors WHERE partition_id IN (
    SELECT p.id FROM partitions p JOIN queues q ON q.id = p.queue_id JOIN messages m ON m.partition_id = p.id
    WHERE (:queue = '' OR q.name = :queue) AND m.created_at BETWEEN :since AND :until)
"""

Kind = Literal["bus", "hybrid", "none", "queue"]
Values = Dict[str, Union[str, int, None]]


@attrs.frozen
class Mode:
    """Who consumes: queue mode, and how many groups."""

    queue_mode: bool
    bus_groups: int

    @property
    def kind(self) -> Kind:
        """In one word."""
        if self.queue_mode:
            return "hybrid" if self.bus_groups else "queue"
        return "bus" if self.bus_groups else "none"


@attrs.frozen(kw_only=True)
class Wanted:
    """Which messages; an empty name is any, and the times are inclusive."""

    queue: str
    partition: str
    namespace: str
    task: str
    status: str
    since: int
    until: int

    def values(self, now: int) -> Values:
        """As the parameters of a query."""
        return {**attrs.asdict(self), "own": QUEUE_MODE, "now": now}


def listing(
    tx: Transaction, wanted: Wanted, page: Page, condition: str = _EXACTLY, **values: Optional[int]
) -> List[sqlite3.Row]:
    """One page of messages, the newest first.

    Args:
        tx: the transaction.
        wanted: which messages.
        page: which of them.
        condition: what ``:status`` means; without one, exactly this status, and an empty one any.
        values: more parameters of the condition.
    """
    return tx.rows(
        f"{_WANTED} WHERE {condition} ORDER BY seq DESC LIMIT :limit OFFSET :offset",
        {**wanted.values(tx.now), **values, **attrs.asdict(page)},
    )


def of_queue(tx: Transaction, queue: str) -> List[sqlite3.Row]:
    """All messages of a queue, the newest first."""
    return tx.rows(
        f"{MESSAGES.format(condition='q.name = :queue')} ORDER BY seq DESC",
        {"queue": queue, "own": QUEUE_MODE, "now": tx.now},
    )


def mode(tx: Transaction, wanted: Wanted) -> Mode:
    """Who consumes the partitions that hold messages of the queue and the time that are wanted."""
    row = tx.row(_MODE, wanted.values(tx.now))
    assert row is not None
    return Mode(bool(row["queue_mode"]), int(row["bus_groups"]))
