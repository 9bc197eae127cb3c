"""Long polls: look, and look again whenever something may have changed."""

from __future__ import annotations

from functools import partial
from typing import Awaitable, Callable, Generic, Optional, TypeVar

import attrs
from typing_extensions import Protocol

from queen.broker.http import Call
from queen.broker.polls import Departure
from queen.broker.routes.endpoint import Backend
from queen.broker.store.database import Transaction

T = TypeVar("T")


class NextEvent(Protocol):
    """When something can be found although nobody does anything."""

    def __call__(self, tx: Transaction, since: int) -> Optional[int]:
        """The first such moment after a time, both in microseconds since 1970; None where there is none."""
        ...


@attrs.frozen
class Search(Generic[T]):
    """What a long poll looks for.

    Attributes:
        queue: the queue whose changes wake it; None for those of all.
        look: what is found now, or None.
        give_back: undo what was found and reaches nobody.
        next_event: when to look again although nobody did anything.
    """

    queue: Optional[str]
    look: Callable[[], Awaitable[Optional[T]]]
    give_back: Callable[[Transaction, T], None]
    next_event: NextEvent


async def wait(backend: Backend, call: Call, search: Search[T], deadline: int) -> Optional[T]:
    """What is found until a time; None when the time has run out, the client is gone or the broker has ended.

    Args:
        backend: the broker.
        call: the request, whose client may go away.
        search: what to look for.
        deadline: microseconds since 1970; it is looked once even when this is over.
    """
    ticket = backend.polls.enter(search.queue)
    departure: Optional[Departure] = None
    try:
        while True:
            # What comes while it is looked is none of what was found, and still to come.
            looked_at = backend.clock.now()
            found = await search.look()
            if found is not None:
                if departure is None or not departure.gone:
                    return found
                # Nobody is there to take it.
                await _discard(backend, search, found)
                return None
            if backend.clock.now() >= deadline or backend.polls.closed:
                return None
            if departure is None:
                departure = Departure(call.receive, ticket.wake)
            event = await backend.store.run(partial(search.next_event, since=looked_at))
            await backend.polls.wait(ticket, deadline if event is None else min(deadline, event))
            ticket.renew()
            if departure.gone or backend.polls.closed:
                return None
    finally:
        backend.polls.leave(ticket)
        if departure is not None:
            departure.close()


async def _discard(backend: Backend, search: Search[T], found: T) -> None:
    await backend.store.run(lambda tx: search.give_back(tx, found))
