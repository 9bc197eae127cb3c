"""Transaction ids made by the client."""

from __future__ import annotations

import os
import sys
import time
from typing import List

from typing_extensions import Final

_DIGITS: Final = 20
_AT_ONCE: Final = 256
# The two bits of RFC 9562 and two random ones.
_VARIANTS: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}

# The random ends of ids, made many at a time: asking the system for each costs 1 us of 2. A list is popped and extended
# by one thread at a time.
_spare: Final[List[str]] = []
if sys.platform != "win32":
    # A child that went on with its parent's would make the same ids.
    os.register_at_fork(after_in_child=_spare.clear)


class MadeId(str):
    """A transaction id that the client made and nobody has seen yet; where there are hooks, they may change it."""

    __slots__ = ()


def transaction_id() -> str:
    """A new UUIDv7 as text.

    The first 48 bits are milliseconds: ids made one after the other stand side by side in the server's unique index,
    which keeps its pages warm where random ids would touch a new page with each message.
    """
    stamp = f"{time.time_ns() // 1_000_000:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{_random_end()}"


def _random_end() -> str:
    while True:
        try:
            return _spare.pop()
        except IndexError:
            _spare.extend(_random_ends())


def _random_ends() -> List[str]:
    digits = os.urandom(_DIGITS * _AT_ONCE // 2).hex()
    return [_written(digits[start : start + _DIGITS]) for start in range(0, len(digits), _DIGITS)]


def _written(drawn: str) -> str:
    return f"{drawn[:3]}-{_VARIANTS[drawn[3]]}{drawn[4:7]}-{drawn[7:19]}"
