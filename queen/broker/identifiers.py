"""Ids that the broker makes, and reading those that it is given."""

from __future__ import annotations

import os
import uuid

from queen.broker.failures import DatabaseRefusalError


def time_ordered(now: int) -> str:
    """A new UUIDv7, as message and lease ids are.

    Args:
        now: microseconds since 1970.
    """
    random = int.from_bytes(os.urandom(10), "big")
    number = now // 1000 << 80 | 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62 | (random & (1 << 62) - 1)
    return str(uuid.UUID(int=number))


def random() -> str:
    """A new UUIDv4, as the ids of queues, partitions and traces, and made-up transaction ids are."""
    return str(uuid.uuid4())


def read(text: str) -> str:
    """A UUID in its usual form.

    Raises:
        DatabaseRefusalError: the text is no UUID.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise DatabaseRefusalError(f'invalid input syntax for type uuid: "{text}"') from None
