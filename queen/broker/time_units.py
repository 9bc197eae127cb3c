"""Units of time, as PostgreSQL's ``date_trunc`` knows them: times cut to one, and series of them.

Times are microseconds since 1970.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import List, Optional

from typing_extensions import Final

from queen.broker.failures import DatabaseRefusalError

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_LENGTHS: Final = {
    "microseconds": 1,
    "milliseconds": 1000,
    "second": SECOND,
    "minute": MINUTE,
    "hour": HOUR,
    "day": DAY,
    "week": 7 * DAY,
}
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_YEARS: Final = {"decade": 10, "century": 100, "millennium": 1000}
# The first of January 1970 was a Thursday, and weeks begin on Mondays.
_MONDAY: Final = 4 * DAY
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST_POINTS: Final = 100_000


def step_of(unit: str) -> int:
    """From one point of a series to the next: only minutes and days are steps of their own, all else goes by hours."""
    return {"minute": MINUTE, "day": DAY}.get(unit.lower(), HOUR)


def truncate(moment: int, unit: str) -> int:
    """A time cut to a unit.

    Raises:
        DatabaseRefusalError: there is no such unit.
    """
    name = unit.lower()
    if name in _LENGTHS:
        origin = _MONDAY if name == "week" else 0
        return moment - (moment - origin) % _LENGTHS[name]
    if name not in _MONTHS and name not in _YEARS:
        raise DatabaseRefusalError(f'unit "{unit}" not recognized for type timestamp with time zone')
    date = _EPOCH + timedelta(microseconds=moment)
    if name in _MONTHS:
        month, year = date.month - (date.month - 1) % _MONTHS[name], date.year
    else:
        # Decades begin with a zero, centuries and millennia with a one.
        month, year = 1, date.year - (date.year - (0 if name == "decade" else 1)) % _YEARS[name]
    start = datetime(max(1, year), month, 1, tzinfo=timezone.utc)
    return (start - _EPOCH) // timedelta(microseconds=1)


def resolution_of(unit: str) -> int:
    """How finely times must be known to cut them to a unit: to the second, or as finely as the unit."""
    return min(SECOND, _LENGTHS.get(unit.lower(), SECOND))


def series(start: int, end: int, unit: str, newest: Optional[int] = None) -> List[int]:
    """The points from one time to another, both cut to the unit, the earliest first.

    Args:
        start: the first time.
        end: the last time.
        unit: the unit.
        newest: how many of the last points are wanted; None for all.

    Raises:
        DatabaseRefusalError: there is no such unit, or there are more than 100,000 points.
    """
    first, last, step = truncate(start, unit), truncate(end, unit), step_of(unit)
    count = max(0, (last - first) // step + 1)
    wanted = count if newest is None else min(count, newest)
    if wanted > _MOST_POINTS:
        raise DatabaseRefusalError("the series has too many points")
    return [first + place * step for place in range(count - wanted, count)]
