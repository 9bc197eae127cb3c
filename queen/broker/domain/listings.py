"""Queues and their partitions, as the listings show them."""

from __future__ import annotations

import sqlite3
from typing import List

from queen.broker.domain.queues import Queue, queue_from
from queen.broker.store.database import Transaction


def queues(tx: Transaction) -> List[Queue]:
    """All queues, the latest created first."""
    return [queue_from(row) for row in tx.rows("SELECT * FROM queues ORDER BY id DESC")]


def partitions(tx: Transaction, queue: Queue) -> List[sqlite3.Row]:
    """The partitions of a queue with what their groups have consumed, sorted by name."""
    return tx.rows(
        "SELECT p.*, COALESCE(SUM(c.consumed_total), 0) AS consumed, COALESCE(SUM(c.batches_total), 0) AS batches, "
        "MAX(c.last_consumed_at) AS last_activity FROM partitions p LEFT JOIN cursors c ON c.partition_id = p.id "
        "WHERE p.queue_id = ? GROUP BY p.id ORDER BY p.name",
        [queue.id],
    )


def messages(tx: Transaction, queue: str) -> List[sqlite3.Row]:
    """All messages of a queue with their status in queue mode, the newest first; once for each dead letter."""
    return tx.rows(
        "SELECT m.uuid, m.transaction_id, m.created_at, p.uuid AS partition_uuid, p.name AS partition, "
        "CASE WHEN d.id IS NOT NULL THEN 'dead_letter' WHEN c.cursor >= m.seq THEN 'completed' "
        "WHEN c.lease_until > ? THEN 'processing' ELSE 'pending' END AS status "
        "FROM messages m JOIN partitions p ON p.id = m.partition_id JOIN queues q ON q.id = p.queue_id "
        "LEFT JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = '__QUEUE_MODE__' "
        "LEFT JOIN dead_letters d ON d.message_seq = m.seq WHERE q.name = ? ORDER BY m.seq DESC",
        [tx.now, queue],
    )
