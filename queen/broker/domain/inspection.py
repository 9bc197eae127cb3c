"""What tests look at: the messages of a queue, and which of them a group has acknowledged."""

from __future__ import annotations

import sqlite3
from typing import List, Optional

from typing_extensions import Final

from queen.broker.domain.unread import READ
from queen.broker.store.database import Transaction

_STORED: Final = """
SELECT m.uuid, m.transaction_id, m.payload, m.created_at, p.name AS partition, q.name AS queue
FROM messages m JOIN partitions p ON p.id = m.partition_id JOIN queues q ON q.id = p.queue_id
"""
# Of groups that are past a message: what was there before the group subscribed was passed over, and what it gave up on
# is a dead letter.
_ACKNOWLEDGED: Final = f"""
{_STORED} JOIN cursors c ON c.partition_id = p.id AND (:own IS NULL OR c.consumer_group = :own)
WHERE q.name = :queue AND {READ.format(cursor="c")}
AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.message_seq = m.seq AND d.consumer_group = c.consumer_group)
AND m.created_at >= COALESCE((SELECT starts_at FROM subscriptions s WHERE s.consumer_group = c.consumer_group
    AND s.queue = q.name AND s.partition IN (p.name, '') ORDER BY s.partition = '' LIMIT 1), 0)
GROUP BY m.seq ORDER BY m.seq
"""  # noqa: S608  (own text)


def queue_names(tx: Transaction) -> List[str]:
    """All queues, by name."""
    return [row["name"] for row in tx.rows("SELECT name FROM queues ORDER BY name")]


def stored(tx: Transaction) -> List[sqlite3.Row]:
    """The messages of all queues, in the order in which they were pushed."""
    return tx.rows(f"{_STORED} ORDER BY m.seq")


def acknowledged(tx: Transaction, queue: str, group: Optional[str]) -> List[sqlite3.Row]:
    """The messages of a queue that a group, or any, has acknowledged, in the order in which they were pushed."""
    return tx.rows(_ACKNOWLEDGED, {"queue": queue, "own": group})


def readers(tx: Transaction, queue: str) -> List[str]:
    """The groups that have popped from a queue, by name."""
    rows = tx.rows(
        "SELECT DISTINCT c.consumer_group FROM cursors c JOIN partitions p ON p.id = c.partition_id "
        "JOIN queues q ON q.id = p.queue_id WHERE q.name = ? ORDER BY c.consumer_group",
        [queue],
    )
    return [row["consumer_group"] for row in rows]
