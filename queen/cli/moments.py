"""Times as people say and read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Optional

from queen import validation
from queen.cli.exits import bad_input
from queen.timestamps import moment_of

BEGINNING = "1970-01-01T00:00:00Z"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(argument: str, said: str) -> datetime:
    """The time that is meant: an ISO 8601 time stamp (UTC where it has no zone), or ``15m`` for 15 minutes ago.

    Raises:
        CommandError: no time.
    """
    ago = re.fullmatch(r"(\d{1,9})([smhd])", said)
    try:
        if ago is not None:
            return datetime.now(timezone.utc) - timedelta(**{_UNITS[ago.group(2)]: int(ago.group(1))})
        found = moment_of(validation.instant(argument, said))
    except (ValueError, OverflowError):
        accepted = "accepted is 2026-01-31T10:00:00Z, or 90s, 15m, 2h, 7d for so long ago"
        raise bad_input(argument, f"{validation.shown(said)} is no time; {accepted}") from None
    return found.astimezone(timezone.utc)


def optional_moment(argument: str, said: Optional[str]) -> Optional[datetime]:
    """The same; None where nothing is said."""
    return None if said is None else moment(argument, said)


def written(value: object) -> str:
    """A time stamp of a server, in UTC with milliseconds; what is no time stands as it is."""
    if not isinstance(value, str):
        return "-"
    try:
        found = moment_of(value).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return value
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lasting(seconds: object) -> str:
    """A number of seconds as people read it: ``45s``, ``12m 5s``, ``2d 4h``."""
    if not isinstance(seconds, (int, float)):
        return "-"
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    # The two largest: nobody wants the seconds of a day.
    parts = [f"{count}{unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (left, "s")) if count]
    return " ".join(parts[:2]) or "0s"
