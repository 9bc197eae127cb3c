"""Time stamps, as the servers write them and as users give them."""

from __future__ import annotations

from datetime import datetime, timezone


def moment_of(text: str) -> datetime:
    """The moment that an ISO 8601 time stamp means; without an offset it is UTC.

    Raises:
        ValueError: it is no time stamp.
    """
    # Imported here: it would take a tenth of the time that importing queen takes, and many programs read no time.
    from dateutil.parser import isoparse

    moment = isoparse(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)
