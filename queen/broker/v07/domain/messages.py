"""Messages with their status, listed and looked at."""

from __future__ import annotations

import sqlite3
from typing import Dict, List, Optional, Tuple, Union

import attrs
from typing_extensions import Final, Literal

from queen.broker import identifiers
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction
from queen.broker.v07.domain.cursors import READ
from queen.broker.v07.domain.pages import Page

# Status is that of queue mode. A message is there once for each of its dead letters.
_MESSAGES: Final = f"""
SELECT m.seq, m.uuid, m.transaction_id, m.trace_id, m.payload, m.created_at, p.id AS partition_id,
    p.uuid AS partition_uuid, p.name AS partition, q.name AS queue, q.namespace, q.task, q.options, d.error,
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
_LISTING: Final = f"""
SELECT * FROM ({_MESSAGES} WHERE (:queue = '' OR q.name = :queue) AND (:partition = '' OR p.name = :partition)
    AND (:namespace = '' OR q.namespace = :namespace) AND (:task = '' OR q.task = :task)
    AND m.created_at BETWEEN :since AND :until)
WHERE CASE WHEN :status = '' THEN 1 WHEN :groups IS NULL THEN queue_status = :status
    WHEN :status = 'completed' THEN bus_consumed = :groups ELSE bus_consumed < :groups END
ORDER BY created_at DESC, seq DESC LIMIT :limit OFFSET :offset
"""  # noqa: S608
_MODE: Final = """
SELECT COALESCE(MAX(consumer_group = :own), 0) AS queue_mode,
    COUNT(DISTINCT CASE WHEN consumer_group <> :own THEN consumer_group END) AS bus_groups
FROM cursors WHERE partition_id IN (
    SELECT p.id FROM partitions p JOIN queues q ON q.id = p.queue_id JOIN messages m ON m.partition_id = p.id
    WHERE (:queue = '' OR q.name = :queue) AND m.created_at BETWEEN :since AND :until)
"""

Kind = Literal["bus", "hybrid", "none", "queue"]
_Values = Dict[str, Union[str, int, None]]


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


def listing(tx: Transaction, wanted: Wanted, page: Page) -> Tuple[List[sqlite3.Row], Mode]:
    """Messages, the newest first, and who consumes those of the queue and the time.

    Raises:
        DatabaseRefusalError: a status that there is not where only groups consume.
    """
    values: _Values = {**attrs.asdict(wanted), "own": QUEUE_MODE, "now": tx.now}
    row = tx.row(_MODE, values)
    assert row is not None
    mode = Mode(bool(row["queue_mode"]), int(row["bus_groups"]))
    groups = mode.bus_groups if mode.kind == "bus" else None
    if groups is not None and wanted.status not in ("", "completed", "pending"):
        raise DatabaseRefusalError('column "queue_status" does not exist')
    return tx.rows(_LISTING, {**values, "groups": groups, "limit": page.limit, "offset": page.offset}), mode


def of_queue(tx: Transaction, queue: str, since: int, until: int, page: Page) -> List[sqlite3.Row]:
    """The messages of a queue, the newest push first and those of one push in its order."""
    return tx.rows(
        f"{_MESSAGES} WHERE q.name = :queue AND m.created_at BETWEEN :since AND :until "
        "GROUP BY m.seq ORDER BY m.created_at DESC, m.seq LIMIT :limit OFFSET :offset",
        {
            "queue": queue,
            "since": since,
            "until": until,
            "own": QUEUE_MODE,
            "now": tx.now,
            "limit": page.limit,
            "offset": page.offset,
        },
    )


def find(tx: Transaction, partition_id: str, transaction_id: str) -> Optional[sqlite3.Row]:
    """One message.

    Raises:
        DatabaseRefusalError: the partition id is no UUID.
    """
    return tx.row(
        f"{_MESSAGES} WHERE p.uuid = :partition AND m.transaction_id = :id ORDER BY d.id LIMIT 1",
        {"partition": identifiers.read(partition_id), "id": transaction_id, "own": QUEUE_MODE, "now": tx.now},
    )


def status(row: sqlite3.Row) -> str:
    """The status of a message: that of the groups where only they consume its partition, else that of queue mode."""
    queue_status = str(row["queue_status"])
    if queue_status == "dead_letter" or row["queue_mode"] or not row["bus_groups"]:
        return queue_status
    return "completed" if row["bus_consumed"] == row["bus_groups"] else "pending"
