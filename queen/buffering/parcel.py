"""The messages of one buffered push, and what is told to its user."""

from __future__ import annotations

import asyncio
from typing import Awaitable, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, cast

import attrs

from queen import logs
from queen.errors import PushRejectedError, QueenError
from queen.operations.push import DEFAULT_PARTITION, IdentifiedItem, as_given
from queen.operations.push_callbacks import PushCallbacks
from queen.types import PushResponse
from queen.waiting import end_tasks, own_tasks


# One is made for each push: frozen, that would cost 0.9 us instead of 0.4.
@attrs.define(eq=False)
class Parcel:
    """The messages of one push.

    Attributes:
        items: the messages.
        encoded: each of them as it is sent, made when it was pushed: what its user changes later is not sent.
        callbacks: what is told to its user.
        since: when it came, in the loop's time.
        due: when it shall be sent at the latest.
        whole: the parcel that this is a part of.
        rows: where each of them stands in the file of an outbox; none for messages that are kept in memory alone.
        stored: done when they are in that file, or could not be written to it.
        left: whether a former process left them there: it may have sent them.
    """

    items: Sequence[IdentifiedItem]
    encoded: Sequence[bytes]
    callbacks: PushCallbacks
    since: float
    due: float
    whole: Optional[Parcel] = None
    rows: Sequence[int] = ()
    stored: Optional[asyncio.Future[None]] = None
    left: bool = False

    @property
    def origin(self) -> Parcel:
        """The parcel as it was pushed."""
        return self.whole or self

    def part(self, places: Sequence[int]) -> Parcel:
        """Some of its messages."""
        return Parcel(
            [self.items[place] for place in places],
            [self.encoded[place] for place in places],
            self.callbacks,
            self.since,
            self.due,
            self.origin,
            [self.rows[place] for place in places] if self.rows else (),
            left=self.left,
        )


def size_of(parcels: Sequence[Parcel]) -> int:
    """How many messages parcels hold."""
    return sum([len(parcel.items) for parcel in parcels])


def first_within(parcels: Sequence[Parcel], most: int) -> int:
    """How many parcels from the front have so many items at most together; the first one in any case."""
    count = 0
    for place, parcel in enumerate(parcels):
        count += len(parcel.items)
        if place and count > most:
            return place
    return len(parcels)


def by_parcel(
    batch: Sequence[Parcel], results: Sequence[PushResponse]
) -> Iterator[Tuple[Parcel, Sequence[PushResponse]]]:
    """The parcels of a flush, each with its own results."""
    position = 0
    for parcel in batch:
        end = position + len(parcel.items)
        yield parcel, results[position:end]
        position = end


def items_as_given(parcels: Sequence[Parcel]) -> List[Mapping[str, object]]:
    """The messages of parcels as their users gave them, with ``queue`` and ``partition``; they can be pushed again."""
    found: List[Mapping[str, object]] = []
    for parcel in parcels:
        for item in parcel.items:
            given: Dict[str, object] = dict(as_given(item))
            given["queue"] = item["queue"]
            given["partition"] = item.get("partition", DEFAULT_PARTITION)
            found.append(given)
    return found


class Reports:
    """Calls the users' callbacks beside the flushes: one that waits for room in the buffer must not stop it."""

    def __init__(self) -> None:
        self._running: Set[asyncio.Task[None]] = set()

    def accepted(self, parcel: Parcel, results: Sequence[PushResponse]) -> None:
        """Tell that the server has taken the messages of a push."""
        callbacks = parcel.callbacks
        if callbacks.on_success is not None or callbacks.on_duplicate is not None:
            self._start(callbacks.accepted(parcel.items, results))

    def in_part(self, batch: Sequence[Parcel], error: PushRejectedError) -> Tuple[List[Parcel], List[Parcel]]:
        """Tell of the pushes that were accepted in a flush that was refused in part.

        Returns:
            What was refused of the batch, and what was accepted.
        """
        refused: List[Parcel] = []
        accepted: List[Parcel] = []
        for parcel, results in by_parcel(batch, cast("Sequence[PushResponse]", error.results)):
            failed = [place for place, result in enumerate(results) if result["status"] == "failed"]
            if failed:
                refused.append(parcel.part(failed))
                taken = [place for place, result in enumerate(results) if result["status"] != "failed"]
                accepted.append(parcel.part(taken))
            else:
                accepted.append(parcel)
                self.accepted(parcel, results)
        return refused, accepted

    def refused(self, parcel: Parcel, error: QueenError, taken: Callable[[Sequence[Parcel]], None]) -> None:
        """Hand messages back that the server refused.

        Args:
            parcel: the messages.
            error: why.
            taken: called with the parcel when the callback has returned, and not when it raised.
        """

        async def hand_back() -> None:
            await parcel.callbacks.refused(parcel.items, error)
            taken([parcel])

        self._start(hand_back())

    async def finish(self, deadline: float) -> None:
        """Until all callbacks have returned, or the deadline (loop time) has come, which ends them."""
        running = self._running.difference(own_tasks())
        if running:
            await asyncio.wait(running, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        await end_tasks(running)

    def _start(self, report: Awaitable[None]) -> None:
        task = asyncio.ensure_future(_logged(report))
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _logged(report: Awaitable[None]) -> None:
    try:
        await report
    except Exception as error:  # noqa: BLE001  (a callback that fails must not stop the messages behind it)
        logs.logger.exception("a callback of a buffered push raised %s", type(error).__name__)
