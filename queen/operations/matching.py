"""Popping from the queues of a namespace and task.

Server 0.15 has no route for it, and that of 0.7 looks at ten partitions only and knows no priority. So the client
visits the queues that match: those of the highest priority first, those of equal priority in turn.
"""

from __future__ import annotations

import asyncio
import functools
import math
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import attrs
from queen_api.api import queues
from typing_extensions import Final

from queen import validation
from queen.errors import QueenError, ServerRefusedError, is_permanent
from queen.message import Message
from queen.operations.pop import PopOptions, pop
from queen.settling.settler import Settler
from queen.transport.reading import a_text, an_integer, an_object, objects, read_by

# A queue that is created or deleted is noticed after so many seconds.
_LISTING_SECONDS: Final = 10.0
_NOT_FOUND: Final = "Queue not found"
_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0

_Selection = Tuple[Optional[str], Optional[str]]


@attrs.frozen
class _Listing:
    """The queues that match, by falling priority, and when they were read (loop time)."""

    ranks: Sequence[Sequence[str]]
    read_at: float


class _Turns:
    """Whose turn it is among queues of equal priority: that of the one that was served longest ago."""

    def __init__(self) -> None:
        self._served: Dict[str, int] = {}
        self._number = 0

    def order(self, queues: Sequence[str]) -> List[str]:
        """The queues, the one whose turn it is first."""
        return sorted(queues, key=lambda queue: self._served.get(queue, 0))

    def served(self, queue: str) -> None:
        """Let all others go before it."""
        self._number += 1
        self._served[queue] = self._number


class MatchingQueues:
    """Pops from all queues of a namespace and task.

    Args:
        settler: settles what comes.
    """

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._listings: Dict[_Selection, _Listing] = {}
        self._locks: Dict[_Selection, asyncio.Lock] = {}
        self._turns: Dict[Tuple[_Selection, Optional[str]], _Turns] = {}

    async def pop(self, options: PopOptions) -> List[Message]:
        """Pop from the first queue that has messages; with ``wait``, look again until the deadline.

        Raises:
            QueenError: the listing failed, or a pop did and the others found nothing.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + options.timeout_millis / 1000 if options.wait else math.inf
        pause = _SHORTEST_PAUSE
        while True:
            found = await self._visit(options, deadline)
            left = deadline - loop.time()
            if found or not options.wait or left <= 0:
                return found
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _visit(self, options: PopOptions, deadline: float) -> List[Message]:
        """One pop of each queue until one has messages or the deadline has come."""
        loop = asyncio.get_running_loop()
        selection = options.namespace, options.task
        turns = self._turns.setdefault((selection, options.group), _Turns())
        failure: Optional[QueenError] = None
        for queue in [queue for rank in (await self._listing(selection)).ranks for queue in turns.order(rank)]:
            try:
                found = await pop(self._settler, attrs.evolve(options, queue=queue, wait=False))
            except QueenError as error:
                if is_permanent(error):
                    raise
                # One queue that cannot be popped must not keep the others from being.
                failure = failure or error
                found = []
            if found:
                turns.served(queue)
                return found
            if loop.time() >= deadline:
                break
        if failure is not None:
            raise failure
        return []

    async def _listing(self, selection: _Selection) -> _Listing:
        lock = self._locks.setdefault(selection, asyncio.Lock())
        async with lock:
            known = self._listings.get(selection)
            now = asyncio.get_running_loop().time()
            if known is not None and now - known.read_at < _LISTING_SECONDS:
                return known
            try:
                listing = _Listing(await self._read(selection), now)
            except QueenError:
                # What was known is better than nothing: the pops tell whether the server is there.
                if known is None:
                    raise
                return known
            self._listings[selection] = listing
            return listing

    async def _read(self, selection: _Selection) -> List[List[str]]:
        request = read_by(queues.list_queues(), functools.partial(_matching, selection))
        names = await self._settler.transport.send(request)
        ranks: Dict[int, List[str]] = {}
        for name, priority in zip(names, await asyncio.gather(*(self._priority(name) for name in names))):
            if priority is not None:
                ranks.setdefault(priority, []).append(name)
        # The servers list the latest queue first; the oldest has the first turn.
        return [ranks[priority][::-1] for priority in sorted(ranks, reverse=True)]

    async def _priority(self, queue: str) -> Optional[int]:
        """The priority of a queue; None when it is gone meanwhile."""
        try:
            return await self._settler.transport.send(read_by(queues.get_queue_status(queue=queue), _priority_of))
        except ServerRefusedError as refusal:
            if _NOT_FOUND in refusal.words:
                return None
            raise


def _priority_of(answer: object) -> int:
    return an_integer(an_object(an_object(answer)["queue"])["priority"])


def _matching(selection: _Selection, answer: object) -> List[str]:
    listed = objects(an_object(answer).get("queues") or [])
    return [a_text(queue["name"]) for queue in listed if matches(queue, selection)]


def matches(queue: Mapping[str, object], selection: _Selection) -> bool:
    """Whether a queue of a listing is one of a namespace and task, and can be popped."""
    namespace, task = selection
    # Server 0.7 says null where a queue has none.
    if namespace is not None and queue.get("namespace") != namespace:
        return False
    if task is not None and queue.get("task") != task:
        return False
    try:
        validation.path_name("queue", queue.get("name"))
    except (TypeError, ValueError):
        # It was made by a push, which carries names in JSON, and cannot be popped on any server.
        return False
    return True
