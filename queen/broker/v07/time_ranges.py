"""Time ranges of listings: given, or the last hour up to the last full second."""

from __future__ import annotations

import attrs
from queen_api import models

from queen.broker import timestamps
from queen.broker.http import Query
from queen.broker.time_units import HOUR


@attrs.frozen
class TimeRange:
    """A range of time, both ends inclusive.

    Attributes:
        start: as it is shown; a text that was given stays as it is.
        end: likewise.
    """

    start: str
    end: str

    @property
    def shown(self) -> models.TimeRange:
        """As answers have it."""
        return {"from": self.start, "to": self.end}

    def since(self, now: int) -> int:
        """The start, in microseconds since 1970.

        Raises:
            DatabaseRefusalError: it is no time.
        """
        return timestamps.read(self.start, now)

    def until(self, now: int) -> int:
        """The end, in microseconds since 1970.

        Raises:
            DatabaseRefusalError: it is no time.
        """
        return timestamps.read(self.end, now)


def last_hour(now: int) -> TimeRange:
    """From one hour ago to now, both cut to the second: what came in the running second is not in it."""
    return _last(now, HOUR)


def range_of(query: Query, now: int, hours: int = 1) -> TimeRange:
    """What a query string asks for; the last so many hours where it does not say."""
    default = _last(now, hours * HOUR)
    return TimeRange(query.string("from") or default.start, query.string("to") or default.end)


def _last(now: int, length: int) -> TimeRange:
    return TimeRange(timestamps.whole_second(now - length), timestamps.whole_second(now))
