"""Dead letters: what a group gave up on, beside the message, which stays."""

from __future__ import annotations

import sqlite3
from typing import List

from queen.broker import identifiers
from queen.broker.store.database import Transaction


def write(tx: Transaction, partition_id: int, seq: int, group: str, error: str, retry_count: int) -> None:
    """Keep a message that a group gave up on."""
    tx.execute(
        "INSERT INTO dead_letters (uuid, message_seq, partition_id, consumer_group, error, retry_count, failed_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [identifiers.random(), seq, partition_id, group, error, retry_count, tx.now],
    )


def by_queue(tx: Transaction) -> List[sqlite3.Row]:
    """How many ``letters`` each ``queue`` has that has any, by name."""
    return tx.rows(
        "SELECT q.name AS queue, COUNT(*) AS letters FROM dead_letters d JOIN partitions p ON p.id = d.partition_id "
        "JOIN queues q ON q.id = p.queue_id GROUP BY q.id ORDER BY q.name"
    )


def listing(tx: Transaction, queue: str, group: str) -> List[sqlite3.Row]:
    """Dead letters, the latest failure first; an empty name is any."""
    return tx.rows(
        "SELECT m.uuid, m.transaction_id, m.payload, m.created_at, p.uuid AS partition_uuid, p.name AS partition, "
        "q.name AS queue, d.consumer_group, d.error, d.retry_count, d.failed_at "
        "FROM dead_letters d JOIN messages m ON m.seq = d.message_seq JOIN partitions p ON p.id = d.partition_id "
        "JOIN queues q ON q.id = p.queue_id "
        "WHERE (:queue = '' OR q.name = :queue) AND (:own = '' OR d.consumer_group = :own) "
        "ORDER BY d.failed_at DESC, d.id DESC",
        {"queue": queue, "own": group},
    )
