"""Batch acks: leases are not looked at, the first ack's partition counts, and the cursor goes to the newest message."""

from __future__ import annotations

import sqlite3
from typing import List, Mapping, Optional, Sequence

import attrs

from queen.broker import identifiers
from queen.broker.domain import dead_letters
from queen.broker.domain.queues import DEFAULTS
from queen.broker.store.database import Transaction
from queen.broker.v07.domain import cursors
from queen.broker.v07.domain.acks import COMPLETED, DEAD_LETTER, RETRIED


@attrs.frozen
class BatchAck:
    """One of the acks.

    Attributes:
        error: kept with a dead letter; None for the words of the server.
    """

    transaction_id: str
    status: str
    error: Optional[str]


class BatchRefusedError(Exception):
    """A batch that failed as a whole; nothing has changed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def acknowledge(tx: Transaction, partition: str, group: str, acks: Sequence[BatchAck]) -> List[str]:
    """Apply acks, of which those of other partitions only count; what became of each.

    Raises:
        BatchRefusedError: nothing to acknowledge.
        DatabaseRefusalError: the partition id is no UUID.
    """
    row = tx.row(
        "SELECT c.*, q.name AS queue, COALESCE(json_extract(q.options, '$.retryLimit'), ?) AS retry_limit "
        "FROM partitions p JOIN queues q ON q.id = p.queue_id "
        "JOIN cursors c ON c.partition_id = p.id AND c.consumer_group = ? WHERE p.uuid = ?",
        [DEFAULTS["retryLimit"], group, identifiers.read(partition)],
    )
    if row is None:
        raise BatchRefusedError("Cannot find batch size for partition")
    found = _find(tx, row["partition_id"], acks)
    tx.changed.add(row["queue"])
    if len(acks) == row["batch_size"] and all(ack.status == "failed" for ack in acks):
        return _fail_all(tx, row, acks, found)
    if not found:
        raise BatchRefusedError("No messages found for acknowledgment")
    _bury(tx, row, [ack for ack in acks if ack.status == "failed"], found, "Unknown error")
    _advance(tx, row, acks, found)
    cursors.count_batch(tx, row["partition_id"], group, len(acks))
    return [COMPLETED if ack.status == "completed" else DEAD_LETTER for ack in acks]


def _fail_all(tx: Transaction, row: sqlite3.Row, acks: Sequence[BatchAck], found: Mapping[str, int]) -> List[str]:
    """The whole batch failed: all of it comes again while retries are left, and then is dead-lettered."""
    if not found:
        raise BatchRefusedError("Cannot find queue retry limit")
    if row["retry_count"] < row["retry_limit"]:
        cursors.count_failure(tx, row["partition_id"], row["consumer_group"])
        return [RETRIED] * len(acks)
    _bury(tx, row, acks, found, "Batch retry limit exceeded")
    _advance(tx, row, acks, found)
    cursors.release(tx, row["partition_id"], row["consumer_group"])
    return [DEAD_LETTER] * len(acks)


def _find(tx: Transaction, partition_id: int, acks: Sequence[BatchAck]) -> Mapping[str, int]:
    found = {}
    for ack in acks:
        message = tx.row(
            "SELECT seq FROM messages WHERE partition_id = ? AND transaction_id = ?", [partition_id, ack.transaction_id]
        )
        if message is not None:
            found[ack.transaction_id] = int(message["seq"])
    return found


def _bury(tx: Transaction, row: sqlite3.Row, acks: Sequence[BatchAck], found: Mapping[str, int], default: str) -> None:
    for ack in acks:
        if ack.transaction_id in found:
            error = ack.error if ack.error is not None else default
            seq = found[ack.transaction_id]
            dead_letters.write(tx, row["partition_id"], seq, row["consumer_group"], error, 0)


def _advance(tx: Transaction, row: sqlite3.Row, acks: Sequence[BatchAck], found: Mapping[str, int]) -> None:
    newest = max(found.values())
    cursors.advance(tx, row["partition_id"], row["consumer_group"], newest, count=len(acks), reset_failures=True)
