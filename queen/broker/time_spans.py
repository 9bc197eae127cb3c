"""Spans of time that a query string asks for, as server 0.15 reads and shows them."""

from __future__ import annotations

import attrs
from queen_api.models import TimeRange
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.http import Query
from queen.broker.time_units import DAY, HOUR

_BUCKETS: Final = ((HOUR, 1), (6 * HOUR, 5), (DAY, 15), (7 * DAY, 60))


@attrs.frozen
class Span:
    """From one time to another, both inclusive, in microseconds since 1970."""

    start: int
    end: int

    @property
    def shown(self) -> TimeRange:
        """As answers have it."""
        return {"from": timestamps.milli(self.start), "to": timestamps.milli(self.end)}

    def bucket_minutes(self, longest: int = 360) -> int:
        """How long the pieces are in which it is shown.

        Args:
            longest: the minutes for what is longer than a week.
        """
        length = self.end - self.start
        return next((minutes for limit, minutes in _BUCKETS if length <= limit), longest)


def span_of(query: Query, now: int, length: int = HOUR) -> Span:
    """The ``from`` and ``to`` of a query string.

    Args:
        query: the query string.
        now: the end where it does not say.
        length: how long before now it starts where it does not say, in microseconds.

    Raises:
        DatabaseRefusalError: one of them is no time.
    """
    start, end = query.string("from"), query.string("to")
    return Span(timestamps.read(start, now) if start else now - length, timestamps.read(end, now) if end else now)
