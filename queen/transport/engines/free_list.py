"""Connections that wait for their next request."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Callable, Deque, Generic, List, Optional, Set, TypeVar

from typing_extensions import Protocol

from queen.transport.engine import AnswerLostError, DeadlinePassedError, NotSentError


class Closable(Protocol):
    """A connection."""

    async def aclose(self) -> None:
        """Close it."""
        ...


C = TypeVar("C", bound=Closable)


class FreeList(Generic[C]):
    """Hands out connections, the one used last first, and opens new ones up to a limit.

    Args:
        make: makes a connection.
        limit: how many may be open at once; None for no limit. At the limit callers wait in turn.

    Attributes:
        closed: whether all were closed, so that none is to be given back.
    """

    def __init__(self, make: Callable[[], C], limit: Optional[int]) -> None:
        self._make = make
        self._limit = limit
        self._idle: List[C] = []
        self._busy: Set[C] = set()
        self._waiting: Deque[asyncio.Future[C]] = deque()
        self.closed = False

    async def take(self, deadline: float) -> C:
        """A connection for one request.

        Args:
            deadline: when to stop waiting for one, in the loop's time.

        Raises:
            DeadlinePassedError: all connections stayed busy.
        """
        if self.closed:
            raise NotSentError("the client was closed")
        if self._idle:
            connection = self._idle.pop()
        elif self._limit is None or len(self._busy) < self._limit:
            connection = self._make()
        else:
            return await self._wait(deadline)
        self._busy.add(connection)
        return connection

    def give(self, connection: C) -> None:
        """Take back a connection that can be used again."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._busy.discard(connection)
        self._idle.append(connection)

    async def discard(self, connection: C) -> None:
        """Close a connection that cannot be used again; whoever waits gets a new one."""
        self._busy.discard(connection)
        if any(not waiter.done() for waiter in self._waiting):
            replacement = self._make()
            self._busy.add(replacement)
            self.give(replacement)
        await connection.aclose()

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        self.closed = True
        open_now = [*self._idle, *self._busy]
        self._idle.clear()
        self._busy.clear()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(AnswerLostError("the client was closed"))
        for connection in open_now:
            await connection.aclose()

    async def _wait(self, deadline: float) -> C:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[C] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_at(deadline, _expire, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            # The connection may have been handed over in the moment of the cancellation.
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.give(waiter.result())
            raise
        finally:
            timer.cancel()
            # Those who gave up, most of them before all others.
            while self._waiting and self._waiting[0].done():
                self._waiting.popleft()


def _expire(waiter: asyncio.Future[C]) -> None:
    if not waiter.done():
        waiter.set_exception(DeadlinePassedError(maybe_delivered=False))
