"""Ids that the broker makes, and reading those that it is given."""

from __future__ import annotations

import itertools
import os
import uuid

from queen.broker.failures import DatabaseRefusalError

# Ids of one instant are in the order in which they were made, as the server's are.
_made = itertools.count()


def time_ordered(now: int) -> str:
    """A new UUIDv7, as message and lease ids are: it sorts behind those that this process made before.

    Args:
        now: microseconds since 1970.
    """
    count = next(_made) & 0xFFFF_FFFF
    random = int.from_bytes(os.urandom(6), "big") & (1 << 42) - 1
    number = now // 1000 << 80 | 0x7 << 76 | (count >> 20) << 64 | 0b10 << 62 | (count & 0xF_FFFF) << 42 | random
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
