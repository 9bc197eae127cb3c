"""One subject of the administration: what it sends with, and its optional arguments."""

from __future__ import annotations

from datetime import datetime
from typing import Optional, TypeVar, Union

from queen_api import Request
from typing_extensions import Final

from queen import validation
from queen.transport.transport import Transport

T = TypeVar("T")

# The servers read no larger number.
_LARGEST: Final = 2**31 - 1

Moment = Union[str, datetime, None]
"""An ISO 8601 time stamp or an aware datetime; None for the server's default."""


class Section:
    """Sends the requests of one subject.

    Args:
        transport: sends them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def _send(self, request: Request[T]) -> T:
        return await self._transport.send(request)


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
    return None if value is None else validation.integer(argument, value, minimum=minimum, maximum=_LARGEST)


def text(argument: str, value: Optional[str]) -> Optional[str]:
    """A name of any characters, or None.

    Raises:
        TypeError, ValueError: no name.
    """
    return None if value is None else validation.text(argument, value)
