"""One subject of the administration, and what it sends with."""

from __future__ import annotations

from typing import TypeVar

from queen_api import Request

from queen.transport.transport import Transport

T = TypeVar("T")


class Section:
    """Sends the requests of one subject.

    Args:
        transport: sends them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def _send(self, request: Request[T]) -> T:
        return await self._transport.send(request)
