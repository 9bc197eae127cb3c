"""Parked long polls: woken by changes, by the time, and when their client goes away."""

from __future__ import annotations

import asyncio
from typing import Callable, Dict, Iterable, Optional, Set

from queen.broker.clock import Clock, Timer
from queen.broker.http import Receive


class Ticket:
    """One poll's place among those that wait. It is taken before looking, so that no change is missed in between."""

    def __init__(self, queue: Optional[str]) -> None:
        self.queue = queue
        self._woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        """Let it look again."""
        if not self._woken.done():
            self._woken.set_result(None)

    def renew(self) -> None:
        """Wait for the next change."""
        self._woken = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        """Until it is woken."""
        await self._woken


class Polls:
    """The polls that wait, by queue; those without one queue are woken by changes of any.

    Attributes:
        closed: whether the broker has ended, so that no poll looks again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: Dict[Optional[str], Set[Ticket]] = {}
        self.closed = False

    def enter(self, queue: Optional[str]) -> Ticket:
        """Take a place."""
        ticket = Ticket(queue)
        self._waiting.setdefault(queue, set()).add(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place up."""
        waiting = self._waiting.get(ticket.queue)
        if waiting is not None:
            waiting.discard(ticket)
            if not waiting:
                del self._waiting[ticket.queue]

    def changed(self, queues: Iterable[str]) -> None:
        """Wake the polls of these queues."""
        for queue in (*queues, None):
            for ticket in list(self._waiting.get(queue, ())):
                ticket.wake()

    def close(self) -> None:
        """Wake every poll for the last time."""
        self.closed = True
        for waiting in list(self._waiting.values()):
            for ticket in list(waiting):
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
        return sum(len(waiting) for waiting in self._waiting.values())


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
