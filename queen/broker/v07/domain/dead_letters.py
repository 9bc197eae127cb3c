"""Dead letters, listed."""

from __future__ import annotations

import sqlite3
from typing import Dict, List, Optional, Tuple, Union

import attrs
from typing_extensions import Final

from queen.broker.domain.pages import Page
from queen.broker.store.database import Transaction

_FROM: Final = """
FROM dead_letters d JOIN messages m ON m.seq = d.message_seq JOIN partitions p ON p.id = d.partition_id
JOIN queues q ON q.id = p.queue_id
WHERE (:queue = '' OR q.name = :queue) AND (:own = '' OR d.consumer_group = :own)
  AND (:partition = '' OR p.name = :partition)
  AND (:since IS NULL OR d.failed_at >= :since) AND (:until IS NULL OR d.failed_at <= :until)
"""


@attrs.frozen
class Wanted:
    """Which dead letters; an empty name is any. The times of failure are inclusive."""

    queue: str
    group: str
    partition: str
    since: Optional[int]
    until: Optional[int]


def top_errors(tx: Transaction) -> List[sqlite3.Row]:
    """The five most frequent errors of dead letters, and how often each is there."""
    return tx.rows(
        "SELECT error, COUNT(*) AS count FROM dead_letters GROUP BY error ORDER BY count DESC, error LIMIT 5"
    )


def listing(tx: Transaction, wanted: Wanted, page: Page) -> Tuple[List[sqlite3.Row], int]:
    """Dead letters, the latest failure first, those of one call in the order of its acks; and how many there are.

    Raises:
        DatabaseRefusalError: a negative limit or offset.
    """
    values: Dict[str, Union[str, int, None]] = {
        "queue": wanted.queue,
        "own": wanted.group,
        "partition": wanted.partition,
        "since": wanted.since,
        "until": wanted.until,
    }
    rows = tx.rows(
        "SELECT d.uuid, d.consumer_group, d.error, d.failed_at, m.uuid AS message_uuid, m.transaction_id, m.payload, "
        "m.trace_id, m.created_at, p.uuid AS partition_uuid, p.name AS partition, q.name AS queue, q.namespace, q.task "
        f"{_FROM} ORDER BY d.failed_at DESC, d.id LIMIT :limit OFFSET :offset",
        {**values, "limit": page.limit, "offset": page.offset},
    )
    return rows, tx.number(f"SELECT COUNT(*) {_FROM}", values)
