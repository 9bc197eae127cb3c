"""Consumer groups, listed."""

from __future__ import annotations

import sqlite3
from typing import List, Optional

from typing_extensions import Final

from queen.broker.domain.unread import READ
from queen.broker.store.database import Transaction

# What a group has not read of a partition, counted in messages that are stored.
_UNREAD: Final = f"""
SELECT c.consumer_group, q.name AS queue, p.name AS partition, p.uuid AS partition_uuid, c.lease_id, c.lease_until,
    c.last_consumed_at, c.consumed_total, COUNT(m.seq) AS unread, MIN(m.created_at) AS oldest
FROM cursors c JOIN partitions p ON p.id = c.partition_id JOIN queues q ON q.id = p.queue_id
LEFT JOIN messages m ON m.partition_id = p.id AND NOT {READ.format(cursor="c")}
WHERE :own IS NULL OR c.consumer_group = :own GROUP BY c.partition_id, c.consumer_group ORDER BY q.name, p.name
"""  # noqa: S608  (own text)
# A partition to which two subscriptions apply, its own and its queue's, counts twice, as on the server.
_LISTING: Final = f"""
SELECT c.consumer_group AS name, c.queue, COUNT(*) AS members, SUM(c.unread) AS unread, MIN(c.oldest) AS oldest,
    MAX(s.mode) AS mode, MAX(s.starts_at) AS starts_at, MAX(s.created_at) AS subscribed_at
FROM ({_UNREAD}) c LEFT JOIN subscriptions s ON s.consumer_group = c.consumer_group AND s.queue = c.queue
    AND s.partition IN (c.partition, '') AND s.namespace = '' AND s.task = ''
GROUP BY c.consumer_group, c.queue ORDER BY c.consumer_group, c.queue
"""  # noqa: S608


def listing(tx: Transaction) -> List[sqlite3.Row]:
    """One row for each group and queue, sorted."""
    return tx.rows(_LISTING, {"own": None})


def unread(tx: Transaction, group: Optional[str]) -> List[sqlite3.Row]:
    """One row for each partition on which a group (or any, with None) has a cursor."""
    return tx.rows(_UNREAD, {"own": group})
