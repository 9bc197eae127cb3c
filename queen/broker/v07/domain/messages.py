"""Messages with their status, listed and looked at."""

from __future__ import annotations

import sqlite3
from typing import List, Optional, Tuple

from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain import message_lists
from queen.broker.domain.message_lists import MESSAGES, Mode, Wanted
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.pages import Page
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction

_STATUS: Final = """
CASE WHEN :status = '' THEN 1 WHEN :groups IS NULL THEN queue_status = :status
    WHEN :status = 'completed' THEN bus_consumed = :groups ELSE bus_consumed < :groups END
"""


def listing(tx: Transaction, wanted: Wanted, page: Page) -> Tuple[List[sqlite3.Row], Mode]:
    """Messages, the newest first, and who consumes those of the queue and the time.

    Raises:
        DatabaseRefusalError: a status that there is not where only groups consume.
    """
    mode = message_lists.mode(tx, wanted)
    groups = mode.bus_groups if mode.kind == "bus" else None
    if groups is not None and wanted.status not in ("", "completed", "pending"):
        raise DatabaseRefusalError('column "queue_status" does not exist')
    return message_lists.listing(tx, wanted, page, _STATUS, groups=groups), mode


def of_queue(tx: Transaction, queue: str, since: int, until: int, page: Page) -> List[sqlite3.Row]:
    """The messages of a queue, the newest push first and those of one push in its order."""
    return tx.rows(
        f"{MESSAGES.format(condition='q.name = :queue AND m.created_at BETWEEN :since AND :until')} "
        "GROUP BY seq ORDER BY created_at DESC, seq LIMIT :limit OFFSET :offset",
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
        f"{MESSAGES.format(condition='p.uuid = :partition AND m.transaction_id = :id')} ORDER BY dead_letter LIMIT 1",
        {"partition": identifiers.read(partition_id), "id": transaction_id, "own": QUEUE_MODE, "now": tx.now},
    )
