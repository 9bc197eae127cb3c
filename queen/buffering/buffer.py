"""One buffer: the messages of one queue and partition, on their way in the order in which they came."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from typing import Callable, Deque, Iterator, List, Optional, Sequence, Set, Tuple, cast

import attrs
from typing_extensions import Final

from queen import logs
from queen.buffering.options import BufferOptions
from queen.buffering.parcel import Parcel, Reports, items_as_given
from queen.errors import BufferClosedError, PushRejectedError, QueenBufferError, QueenError, is_final
from queen.operations.push import push
from queen.transport.transport import Transport
from queen.types import PushResponse
from queen.waiting import wait_at_most

_GRACE_SECONDS: Final = 0.25


@attrs.define
class Tally:
    """What the buffers of one client have done so far."""

    flushed: int = 0
    failed: int = 0


class Buffer:
    """Messages that are sent together, at most one request at a time, in the order in which they came.

    A flush that fails keeps its batch at the front and is repeated, as the same batch, until the server has taken it.

    Args:
        name: queue and partition, for errors and logs.
        transport: sends.
        reports: calls the users' callbacks.
        tally: counts flushes.
        on_empty: called when nothing is left, so that the buffer can be forgotten.
    """

    def __init__(
        self, name: str, transport: Transport, reports: Reports, tally: Tally, on_empty: Callable[[], None]
    ) -> None:
        self._name = name
        self._transport = transport
        self._reports = reports
        self._tally = tally
        self._on_empty = on_empty
        self._options: Optional[BufferOptions] = None
        self._parcels: Deque[Parcel] = deque()
        self._batch: List[Parcel] = []
        self._count = 0
        self._due = math.inf
        self._pushers: Deque[Tuple[Parcel, asyncio.Future[None]]] = deque()
        self._flushes: List[Tuple[Parcel, asyncio.Future[None]]] = []
        self._timer: Optional[asyncio.TimerHandle] = None
        self._task: Optional[asyncio.Task[None]] = None
        self._nudge = asyncio.Event()
        self._failure: Optional[QueenError] = None
        self._failures = 0
        self._maybe_stored = False
        self._closing = False
        self._deadline = 0.0

    @property
    def count(self) -> int:
        """How many messages it holds."""
        return self._count

    @property
    def oldest(self) -> Optional[float]:
        """When its oldest message came, in the loop's time; None while it is empty."""
        first = self._batch[0] if self._batch else self._parcels[0] if self._parcels else None
        return None if first is None else first.since

    async def add(self, parcel: Parcel, options: BufferOptions) -> None:
        """Take the messages of one push; wait while there is no room.

        Raises:
            QueenBufferError: there is no room, and none will be: the server refuses what is in front.
            BufferClosedError: the client was closed meanwhile.
        """
        self._options = options
        if not self._pushers and self._has_room(parcel):
            self._take(parcel)
            self._schedule()
            return
        if is_final(self._failure):
            raise self._refusal(parcel)
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pushers.append((parcel, taken))
        self._schedule()
        await taken

    async def flush(self) -> None:
        """Send all that is in it now.

        Raises:
            QueenBufferError: that failed; the messages stay, and go on being sent.
        """
        last = self._parcels[-1] if self._parcels else self._batch[-1] if self._batch else None
        if last is None:
            return
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushes.append((last, sent))
        self._nudge.set()
        self._schedule()
        await sent

    async def close(self, deadline: float) -> List[Parcel]:
        """Send what is in it until the deadline (loop time), and end.

        Returns:
            What could not be sent.
        """
        self._closing = True
        self._deadline = deadline
        self._turn_away(self._closed_error)
        self._nudge.set()
        self._schedule()
        task = self._task
        if task is not None:
            try:
                # A request ends at the deadline by itself, which leaves its connection in a better state.
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                await asyncio.wait({task}, timeout=left + _GRACE_SECONDS)
            finally:
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._stop_timer()
        self._fail_flushes(self._unfinished)
        return [*self._batch, *self._parcels]

    @property
    def failure(self) -> Optional[QueenError]:
        """Why the last flush failed; None when it did not."""
        return self._failure

    def _has_room(self, parcel: Parcel) -> bool:
        # A push of more than fits is taken when there is nothing else, and sent as one request.
        limit = self._options.max_size if self._options is not None else 0
        return self._count == 0 or self._count + len(parcel.items) <= limit

    def _take(self, parcel: Parcel) -> None:
        self._parcels.append(parcel)
        self._count += len(parcel.items)
        self._due = min(self._due, parcel.due)

    def _let_in(self) -> None:
        while self._pushers:
            parcel, taken = self._pushers[0]
            if not taken.done() and not self._has_room(parcel):
                return
            self._pushers.popleft()
            # A pusher that was cancelled while it waited has taken its messages back.
            if not taken.done():
                self._take(parcel)
                taken.set_result(None)

    def _schedule(self) -> None:
        """See to it that what is due is sent, and that the rest will be."""
        if self._task is not None or not (self._batch or self._parcels):
            return
        if self._batch or self._is_due():
            self._stop_timer()
            self._task = asyncio.ensure_future(self._send_what_is_due())
            self._task.add_done_callback(self._ended)
        else:
            if self._timer is not None and self._timer.when() > self._due:
                self._stop_timer()
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_at(self._due, self._time_is_up)

    def _is_due(self) -> bool:
        if self._options is None or self._closing or self._flushes or self._pushers:
            return True
        return self._count >= self._options.message_count or self._due <= asyncio.get_running_loop().time()

    def _time_is_up(self) -> None:
        self._timer = None
        self._schedule()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _send_what_is_due(self) -> None:
        while self._batch or (self._parcels and self._is_due()):
            self._nudge.clear()
            if not self._batch:
                self._batch = self._next_batch()
            if await self._send_batch():
                continue
            if self._closing and (is_final(self._failure) or asyncio.get_running_loop().time() >= self._deadline):
                return
            await wait_at_most(self._nudge, self._transport.retry.wait_before(self._failures))

    def _next_batch(self) -> List[Parcel]:
        batch: List[Parcel] = []
        count, wanted = 0, self._options.message_count if self._options is not None else 1
        while self._parcels and (not batch or count + len(self._parcels[0].items) <= wanted):
            parcel = self._parcels.popleft()
            batch.append(parcel)
            count += len(parcel.items)
        self._due = min((parcel.due for parcel in self._parcels), default=math.inf)
        return batch

    async def _send_batch(self) -> bool:
        """Send the batch at the front; whether all of it is done with."""
        batch = self._batch
        items = [item for parcel in batch for item in parcel.items]
        encoded = [data for parcel in batch for data in parcel.encoded]
        try:
            results = await push(
                self._transport, items, encoded=encoded, repeated=self._maybe_stored, seconds=self._seconds_left()
            )
        except QueenError as error:
            self._keep(error)
        else:
            self._batch = []
            for parcel, own in _by_parcel(batch, results):
                self._reports.accepted(parcel, own)
        return self._settle(batch)

    def _seconds_left(self) -> Optional[float]:
        """How long a request may still take; None while nobody waits for the end."""
        return max(0.0, self._deadline - asyncio.get_running_loop().time()) if self._closing else None

    def _keep(self, error: QueenError) -> None:
        """Note a failure: the batch stays at the front, but for what goes back to the user."""
        self._failure = error
        self._failures += 1
        self._tally.failed += 1
        self._maybe_stored = self._maybe_stored or error.maybe_delivered
        logs.event(logging.WARNING, "Buffer.flush", buffer=self._name, messages=self._count, failed=str(error))
        if not is_final(error):
            return
        refused = self._batch
        if isinstance(error, PushRejectedError):
            refused = self._split(error)
        self._batch = []
        for parcel in refused:
            if parcel.callbacks.on_error is not None:
                self._reports.refused(parcel, error)
            else:
                self._batch.append(parcel)

    def _split(self, error: PushRejectedError) -> List[Parcel]:
        """Tell of the pushes that were accepted in a flush that was refused in part; what is left of it."""
        refused: List[Parcel] = []
        for parcel, results in _by_parcel(self._batch, cast("Sequence[PushResponse]", error.results)):
            places = [place for place, result in enumerate(results) if result["status"] == "failed"]
            if places:
                refused.append(parcel.part(places))
            else:
                self._reports.accepted(parcel, results)
        return refused

    def _settle(self, batch: Sequence[Parcel]) -> bool:
        """Draw the conclusions of a flush."""
        kept = {id(parcel.origin) for parcel in self._batch}
        left = sum(len(parcel.items) for parcel in self._batch)
        self._count -= sum(len(parcel.items) for parcel in batch) - left
        failed = bool(self._batch)
        if not failed:
            self._tally.flushed += 1
            self._failure, self._failures, self._maybe_stored = None, 0, False
        gone = {id(parcel.origin) for parcel in batch} - kept
        self._answer_flushes(gone)
        self._let_in()
        if is_final(self._failure) and failed:
            self._turn_away(self._refusal)
        return not failed

    def _answer_flushes(self, gone: Set[int]) -> None:
        waiting = self._flushes
        self._flushes = []
        for last, sent in waiting:
            if sent.done():
                continue
            if id(last.origin) in gone:
                sent.set_result(None)
            elif self._batch:
                sent.set_exception(self._unsent())
            else:
                self._flushes.append((last, sent))

    def _turn_away(self, why: Callable[[Parcel], BaseException]) -> None:
        """Fail all pushes that wait for room."""
        for parcel, taken in self._pushers:
            if not taken.done():
                taken.set_exception(why(parcel))
        self._pushers.clear()

    def _fail_flushes(self, why: Callable[[], BaseException]) -> None:
        for _, sent in self._flushes:
            if not sent.done():
                sent.set_exception(why())
        self._flushes = []

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            # A defect of this library; the messages stay, and close() hands them back.
            logs.event(logging.ERROR, "Buffer.flush", error, buffer=self._name, messages=self._count)
            self._fail_flushes(lambda: error)
            self._turn_away(lambda _: error)
            return
        if self._closing:
            return
        self._schedule()
        if not self._count and not self._pushers:
            self._on_empty()

    def _unsent(self) -> QueenBufferError:
        held = items_as_given([*self._batch, *self._parcels])
        words = f"{self._name}: {len(held)} messages are still buffered, and go on being sent: {self._failure}"
        error = QueenBufferError(words, unsent=held)
        error.__cause__ = self._failure
        return error

    def _unfinished(self) -> QueenBufferError:
        words = f"{self._name}: the client was closed before the flush was done"
        return QueenBufferError(words, unsent=items_as_given([*self._batch, *self._parcels]))

    def _refusal(self, parcel: Parcel) -> QueenBufferError:
        words = f"{self._name}: the buffer is full, and the server refuses what is in it: {self._failure}"
        error = QueenBufferError(words, unsent=items_as_given([parcel]))
        error.__cause__ = self._failure
        return error

    def _closed_error(self, parcel: Parcel) -> BufferClosedError:
        words = f"{self._name}: the client was closed before there was room"
        return BufferClosedError(words, unsent=items_as_given([parcel]))


def _by_parcel(
    batch: Sequence[Parcel], results: Sequence[PushResponse]
) -> Iterator[Tuple[Parcel, Sequence[PushResponse]]]:
    """The parcels of a flush, each with its own results."""
    position = 0
    for parcel in batch:
        end = position + len(parcel.items)
        yield parcel, results[position:end]
        position = end
