"""Optional arguments of the administration, checked; None stays None, and leaves the server its default."""

from __future__ import annotations

from datetime import datetime
from typing import Optional, Union

from queen import validation

Moment = Union[str, datetime, None]
"""An ISO 8601 time stamp or an aware datetime; None for the server's default."""


def moment(argument: str, value: Moment) -> Optional[str]:
    """A time stamp for the wire, or None.

    Raises:
        TypeError, ValueError: no time.
    """
    return None if value is None else validation.instant(argument, value)


def number(argument: str, value: Optional[int], minimum: int) -> Optional[int]:
    """An integer of 32 bits that is large enough, or None.

    Raises:
        TypeError, ValueError: another value.
    """
    if value is None:
        return None
    return validation.integer(argument, value, minimum=minimum, maximum=validation.MAX_INTEGER)


def text(argument: str, value: Optional[str]) -> Optional[str]:
    """A name of any characters, or None.

    Raises:
        TypeError, ValueError: no name.
    """
    return None if value is None else validation.text(argument, value)
