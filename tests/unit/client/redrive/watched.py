"""A client whose requests a test watches, and may let fail."""

from __future__ import annotations

import contextlib
from typing import Awaitable, Callable, Iterator, Optional

from queen import Queen
from queen.transport.engine import Engine, Headers, Reply

Watch = Callable[[str, str], Awaitable[None]]


async def nothing(method: str, target: str) -> None:
    """Watches nothing."""


class Watched(Engine):
    """An engine that tells a test of each request and its answer.

    Args:
        engine: sends them.
        before: called with the method and the target.
        after: called with the same, when there is an answer.
    """

    def __init__(self, engine: Engine, before: Watch = nothing, after: Watch = nothing) -> None:
        self._engine = engine
        self._before = before
        self._after = after

    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        await self._before(method, target)
        reply = await self._engine.send(origin, target, method, headers, body, deadline)
        await self._after(method, target)
        return reply

    async def close(self) -> None:
        await self._engine.close()


@contextlib.contextmanager
def watched(queen: Queen, before: Watch = nothing, after: Watch = nothing) -> Iterator[None]:
    transport = queen._transport
    engine = transport._engine
    transport._engine = Watched(engine, before, after)
    try:
        yield
    finally:
        transport._engine = engine
