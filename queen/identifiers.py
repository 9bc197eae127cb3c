"""Transaction ids made by the client."""

from __future__ import annotations

import os
import time
import uuid


def transaction_id() -> str:
    """A new UUIDv7 as text.

    The first 48 bits are milliseconds: ids made one after the other stand side by side in the server's unique index,
    which keeps its pages warm where random ids would touch a new page with each message.
    """
    random = int.from_bytes(os.urandom(10), "big")
    stamp = time.time_ns() // 1_000_000
    number = stamp << 80 | 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62 | (random & (1 << 62) - 1)
    return str(uuid.UUID(int=number))
