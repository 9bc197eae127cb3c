"""Parked long polls: woken by changes, by the time, and when their client goes away."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Callable, Dict, Iterable, List, Optional, Set

from queen.broker.clock import Clock, Timer
from queen.broker.http import Receive


class Ticket:
    """One poll's place among those that wait. It is taken before looking, so that no change is missed in between.

    It waits in the event loop that made it, and is woken from any thread.
    """

    def __init__(self, queue: Optional[str]) -> None:
        self.queue = queue
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[None] = self._loop.create_future()

    def wake(self) -> None:
        """Let it look again."""
        if _running_loop() is self._loop:
            self._wake()
            return
        # A loop that is closed has nobody who waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake)

    def renew(self) -> None:
        """Wait for the next change."""
        self._woken = self._loop.create_future()

    @property
    def is_over(self) -> bool:
        """Whether its loop was closed before it ended."""
        return self._loop.is_closed()

    async def wait(self) -> None:
        """Until it is woken."""
        await self._woken

    def _wake(self) -> None:
        if not self._woken.done():
            self._woken.set_result(None)


class Polls:
    """The polls that wait, by queue; those without one queue are woken by changes of any.

    Attributes:
        closed: whether the broker has ended, so that no poll looks again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: Dict[Optional[str], Set[Ticket]] = {}
        self.closed = False

    def enter(self, queue: Optional[str]) -> Ticket:
        """Take a place."""
        ticket = Ticket(queue)
        with self._lock:
            self._waiting.setdefault(queue, set()).add(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place up."""
        with self._lock:
            waiting = self._waiting.get(ticket.queue)
            if waiting is not None:
                waiting.discard(ticket)
                if not waiting:
                    del self._waiting[ticket.queue]

    def changed(self, queues: Iterable[str]) -> None:
        """Wake the polls of these queues."""
        with self._lock:
            woken = [ticket for queue in (*queues, None) for ticket in self._waiting.get(queue, ())]
        for ticket in woken:
            ticket.wake()

    def close(self) -> None:
        """Wake every poll for the last time."""
        self.closed = True
        for ticket in self._all():
            ticket.wake()

    async def wait(self, ticket: Ticket, until: int) -> None:
        """Until the ticket is woken, or the time has come (microseconds since 1970)."""
        timer: Timer = self._clock.call_at(until, ticket.wake)
        try:
            await ticket.wait()
        finally:
            timer.cancel()

    @property
    def parked(self) -> int:
        """How many polls wait."""
        return len(self._all())

    @property
    def parked_on(self) -> List[Optional[str]]:
        """The queue of each poll that somebody waits for, None for those of any queue."""
        return [ticket.queue for ticket in self._all() if not ticket.is_over]

    def _all(self) -> List[Ticket]:
        with self._lock:
            return [ticket for waiting in self._waiting.values() for ticket in waiting]


class Departure:
    """Watches for a client that closes its connection.

    Args:
        receive: the request's ASGI channel.
        callback: called once when the client is gone.
    """

    def __init__(self, receive: Receive, callback: Callable[[], None]) -> None:
        self.gone = False
        self._task = asyncio.ensure_future(self._watch(receive, callback))

    def close(self) -> None:
        """Stop watching."""
        self._task.cancel()

    async def _watch(self, receive: Receive, callback: Callable[[], None]) -> None:
        # What is left of the request comes first.
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        callback()


def _running_loop() -> Optional[asyncio.AbstractEventLoop]:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
