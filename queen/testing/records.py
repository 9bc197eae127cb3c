"""What a test sees of the broker's messages."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

import attrs
from typing_extensions import Final

from queen.broker.domain.names import QUEUE_MODE

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


@attrs.frozen
class PushedMessage:
    """A message that the broker has.

    Attributes:
        queue: its queue.
        partition: its partition, ``Default`` where none was named.
        data: its payload.
        transaction_id: the id that it was pushed under.
        message_id: the id that the broker gave it.
        pushed_at: when it was pushed, by the broker's clock.
    """

    queue: str
    partition: str
    data: Any
    transaction_id: str
    message_id: str = attrs.field(repr=False)
    pushed_at: datetime = attrs.field(repr=False)


@attrs.frozen
class DeadLetteredMessage(PushedMessage):
    """A message that a consumer group gave up on.

    Attributes:
        group: the consumer group; None for consumers that name none.
        reason: what the last failure said.
        retries: how often it was tried again.
        failed_at: when it became a dead letter, by the broker's clock.
    """

    group: Optional[str]
    reason: str
    retries: int
    failed_at: datetime = attrs.field(repr=False)


def pushed(row: sqlite3.Row) -> PushedMessage:
    """A message of a row of ``queen.broker.domain.inspection``."""
    return PushedMessage(
        queue=row["queue"],
        partition=row["partition"],
        data=json.loads(row["payload"]),
        transaction_id=row["transaction_id"],
        message_id=row["uuid"],
        pushed_at=_moment(row["created_at"]),
    )


def dead_lettered(row: sqlite3.Row) -> DeadLetteredMessage:
    """A dead letter of a row of ``queen.broker.domain.dead_letters``."""
    group = row["consumer_group"]
    return DeadLetteredMessage(
        **attrs.asdict(pushed(row), recurse=False),
        group=None if group == QUEUE_MODE else group,
        reason=row["error"],
        retries=row["retry_count"],
        failed_at=_moment(row["failed_at"]),
    )


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
