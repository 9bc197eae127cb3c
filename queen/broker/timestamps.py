"""Time stamps as the servers write and read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Optional

from dateutil.parser import isoparse
from typing_extensions import Final

from queen.broker.failures import DatabaseRefusalError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST: Final = (datetime(1, 1, 1, tzinfo=timezone.utc) - _EPOCH) // _MICROSECOND
_LAST: Final = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // _MICROSECOND
_SPACED: Final = re.compile(r"^(\d{4}-\d\d-\d\d) +(?=\d)")


def micro(moment: int) -> str:
    """``2026-01-31T10:20:30.123456Z``, as popped messages of server 0.15 have it."""
    stamp = (_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds")
    return stamp[:-6] + "Z"


def milli(moment: int) -> str:
    """``2026-01-31T10:20:30.123Z``, cut and not rounded, as everything else of server 0.15 has it."""
    return micro(moment)[:-4] + "Z"


def optional_milli(moment: Optional[int]) -> Optional[str]:
    """As ``milli``; None stays None."""
    return None if moment is None else milli(moment)


def whole_second(moment: int) -> str:
    """``2026-01-31T10:20:30.000Z``, cut, as popped messages of server 0.7 have it."""
    return micro(moment)[:-8] + ".000Z"


def second(moment: int) -> str:
    """``2026-01-31T10:20:30Z``, cut, as the buckets of server 0.15 have it."""
    return micro(moment)[:-8] + "Z"


def postgres(moment: int) -> str:
    """``2026-01-31 10:20:30.1+00``, without zeros at the end of the fraction, as the listings of server 0.7 have it."""
    whole, _, fraction = micro(moment)[:-1].replace("T", " ").partition(".")
    digits = fraction.rstrip("0")
    return f"{whole}.{digits}+00" if digits else f"{whole}+00"


def optional_postgres(moment: Optional[int]) -> Optional[str]:
    """As ``postgres``; None stays None."""
    return None if moment is None else postgres(moment)


def offset(moment: int) -> str:
    """``2026-01-31T10:20:30.1+00:00``, without zeros at the end of the fraction, as the state of queries has it."""
    return postgres(moment).replace(" ", "T") + ":00"


def postgres_six(moment: int) -> str:
    """``2026-01-31 10:20:30.100000+00``, always with six digits, as the ends of windows have it."""
    return micro(moment)[:-1].replace("T", " ") + "+00"


def read(text: str, now: int) -> int:
    """A time stamp of a request, in microseconds since 1970; without an offset it is UTC.

    Raises:
        DatabaseRefusalError: the text is no time, or one that is not in the years 1 to 9999.
    """
    day = now - now % 86_400_000_000
    words = {"now": now, "today": day, "yesterday": day - 86_400_000_000, "tomorrow": day + 86_400_000_000, "epoch": 0}
    word = text.strip().lower()
    if word in words:
        return words[word]
    try:
        moment = isoparse(_SPACED.sub(r"\1T", text.strip()))
    except (ValueError, OverflowError):
        raise DatabaseRefusalError(f'invalid input syntax for type timestamp with time zone: "{text}"') from None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
    found = (aware - _EPOCH) // _MICROSECOND
    if not _FIRST <= found <= _LAST:
        raise DatabaseRefusalError(f'timestamp out of range: "{text}"')
    return found
