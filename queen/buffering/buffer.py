"""One buffer: the messages of one queue and partition, on their way in the order in which they came."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from typing import Callable, Deque, Iterator, List, Optional, Sequence, Set, Tuple, cast

import attrs

from queen import logs
from queen.buffering.flush_queue import FlushQueue
from queen.buffering.options import BufferOptions
from queen.buffering.parcel import Parcel, Reports, items_as_given
from queen.errors import BufferClosedError, PushRejectedError, QueenBufferError, QueenError, is_final
from queen.operations.push import push
from queen.operations.push_callbacks import NO_CALLBACKS
from queen.transport.transport import Transport
from queen.types import PushResponse

Place = Tuple[str, str]


@attrs.define
class Tally:
    """What the buffers of one client have done so far."""

    flushed: int = 0
    failed: int = 0


class Buffer:
    """Messages that are sent together, at most one request at a time, in the order in which they came.

    A flush that fails keeps its batch at the front and is repeated, as the same batch, until the server has taken it.

    Args:
        place: queue and partition.
        transport: sends.
        queue: says when it is this buffer's turn.
        reports: calls the users' callbacks.
        tally: counts flushes.
        on_empty: called with the buffer when nothing is left, so that it can be forgotten.
    """

    # With a dict, an event and a deque for each, an idle buffer would be 3 kB larger.
    __slots__ = (
        "_batch",
        "_closing",
        "_count",
        "_deadline",
        "_due",
        "_failure",
        "_failures",
        "_maybe_stored",
        "_on_empty",
        "_options",
        "_parcels",
        "_pushers",
        "_queue",
        "_reports",
        "_retry_at",
        "_sending",
        "_tally",
        "_transport",
        "_waiting",
        "place",
    )

    def __init__(
        self,
        place: Place,
        transport: Transport,
        queue: FlushQueue,
        reports: Reports,
        tally: Tally,
        on_empty: Callable[[Buffer], None],
    ) -> None:
        self.place = place
        self._transport = transport
        self._queue = queue
        self._reports = reports
        self._tally = tally
        self._on_empty = on_empty
        self._options: Optional[BufferOptions] = None
        self._parcels: List[Parcel] = []
        self._batch: List[Parcel] = []
        self._count = 0
        self._due = math.inf
        self._pushers: Optional[Deque[Tuple[Parcel, asyncio.Future[None]]]] = None
        self._waiting: List[Tuple[Parcel, asyncio.Future[None]]] = []
        self._sending = False
        self._retry_at = -math.inf
        self._failure: Optional[QueenError] = None
        self._failures = 0
        self._maybe_stored = False
        self._closing = False
        self._deadline = math.inf

    @property
    def count(self) -> int:
        """How many messages it holds."""
        return self._count

    @property
    def oldest(self) -> Optional[float]:
        """When its oldest message came, in the loop's time; None while it is empty."""
        first = self._batch[0] if self._batch else self._parcels[0] if self._parcels else None
        return None if first is None else first.since

    def add(self, parcel: Parcel, options: BufferOptions) -> Optional[asyncio.Future[None]]:
        """Take the messages of one push.

        Returns:
            None when they are taken; else a future, done when there was room. Its errors: ``QueenBufferError``, there
            will be no room, since the server refuses what is in front; ``BufferClosedError``, the client was closed.

        Raises:
            QueenBufferError: there is no room, and none will be.
        """
        known, self._options = self._options, options
        if not self._pushers and self._has_room(parcel):
            count, due = self._count, self._due
            self._take(parcel)
            # Otherwise it is known already when the buffer is to be sent.
            if count < options.message_count <= self._count or self._due < due or options is not known:
                self._schedule()
            return None
        if is_final(self._failure):
            raise self._refusal(parcel)
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._pushers is None:
            self._pushers = deque()
        self._pushers.append((parcel, taken))
        self._schedule()
        return taken

    def flush(self) -> Optional[asyncio.Future[None]]:
        """Send all that is in it now.

        Returns:
            None when there is nothing; else a future, done when it is sent. Its error is ``QueenBufferError``: that
            failed; the messages stay, and go on being sent.
        """
        last = self._parcels[-1] if self._parcels else self._batch[-1] if self._batch else None
        if last is None:
            return None
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((last, sent))
        self._retry_at = -math.inf
        self._schedule()
        return sent

    def begin_close(self, deadline: float) -> None:
        """Send what is in it until the deadline (loop time), and take nothing more."""
        self._closing = True
        self._deadline = deadline
        self._retry_at = -math.inf
        self._turn_away(self._closed_error)
        self._schedule()

    def end(self) -> List[Parcel]:
        """Give up; what could not be sent."""
        self._fail_flushes(self._unfinished)
        return [*self._batch, *self._parcels]

    def wake(self) -> None:
        """Send what is due."""
        self._schedule()

    async def send(self) -> None:
        """Send the batch at the front."""
        if not (self._batch or self._parcels):
            return
        self._sending = True
        try:
            if not self._batch:
                self._batch = self._next_batch()
            await self._send_batch()
        except Exception as error:  # noqa: BLE001  (it must not stop the buffers behind it)
            self._met_a_defect(error)
            return
        finally:
            self._sending = False
        self._schedule()
        if not self._count and not self._pushers:
            self._on_empty(self)

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
        if parcel.due < self._due:
            self._due = parcel.due

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
        if self._sending or not (self._batch or self._parcels):
            return
        if self._has_given_up():
            self._queue.forget(self)
            return
        when = self._retry_at if self._batch else self._send_at()
        if when <= asyncio.get_running_loop().time():
            self._queue.start(self)
        else:
            self._queue.wake_at(self, when)

    def _send_at(self) -> float:
        if self._options is None or self._closing or self._waiting or self._pushers:
            return -math.inf
        return -math.inf if self._count >= self._options.message_count else self._due

    def _has_given_up(self) -> bool:
        return self._closing and bool(self._batch) and (is_final(self._failure) or self._retry_at >= self._deadline)

    def _next_batch(self) -> List[Parcel]:
        wanted = self._options.message_count if self._options is not None else 1
        if self._count <= wanted:
            batch, self._parcels, self._due = self._parcels, [], math.inf
            return batch
        size, count = 0, 0
        for parcel in self._parcels:
            count += len(parcel.items)
            if size and count > wanted:
                break
            size += 1
        batch = self._parcels[:size]
        del self._parcels[:size]
        self._due = min((parcel.due for parcel in self._parcels), default=math.inf)
        return batch

    async def _send_batch(self) -> None:
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
            if any(parcel.callbacks is not NO_CALLBACKS for parcel in batch):
                for parcel, own in _by_parcel(batch, results):
                    self._reports.accepted(parcel, own)
        self._settle(batch)

    def _seconds_left(self) -> Optional[float]:
        """How long a request may still take; None while nobody waits for the end."""
        return max(0.0, self._deadline - asyncio.get_running_loop().time()) if self._closing else None

    def _keep(self, error: QueenError) -> None:
        """Note a failure: the batch stays at the front, but for what goes back to the user."""
        self._failure = error
        self._failures += 1
        self._retry_at = asyncio.get_running_loop().time() + self._transport.retry.wait_before(self._failures)
        self._tally.failed += 1
        self._maybe_stored = self._maybe_stored or error.maybe_delivered
        logs.event(logging.WARNING, "Buffer.flush", buffer=self._name(), messages=self._count, failed=str(error))
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

    def _settle(self, batch: Sequence[Parcel]) -> None:
        """Draw the conclusions of a flush."""
        self._count += _size(self._batch) - _size(batch)
        failed = bool(self._batch)
        if not failed:
            self._tally.flushed += 1
            self._failure, self._failures, self._maybe_stored = None, 0, False
        if self._waiting:
            kept = {id(parcel.origin) for parcel in self._batch}
            self._answer_flushes({id(parcel.origin) for parcel in batch} - kept)
        self._let_in()
        if is_final(self._failure) and failed:
            self._turn_away(self._refusal)

    def _answer_flushes(self, gone: Set[int]) -> None:
        waiting = self._waiting
        self._waiting = []
        for last, sent in waiting:
            if sent.done():
                continue
            if id(last.origin) in gone:
                sent.set_result(None)
            elif self._batch:
                sent.set_exception(self._unsent())
            else:
                self._waiting.append((last, sent))

    def _turn_away(self, why: Callable[[Parcel], BaseException]) -> None:
        """Fail all pushes that wait for room."""
        for parcel, taken in self._pushers or ():
            if not taken.done():
                taken.set_exception(why(parcel))
        self._pushers = None

    def _fail_flushes(self, why: Callable[[], BaseException]) -> None:
        for _, sent in self._waiting:
            if not sent.done():
                sent.set_exception(why())
        self._waiting = []

    def _met_a_defect(self, error: Exception) -> None:
        """A defect of this library: the messages stay, and close() hands them back."""
        logs.event(logging.ERROR, "Buffer.flush", error, buffer=self._name(), messages=self._count)
        self._fail_flushes(lambda: error)
        self._turn_away(lambda _: error)

    def _name(self) -> str:
        return "/".join(self.place)

    def _unsent(self) -> QueenBufferError:
        held = items_as_given([*self._batch, *self._parcels])
        words = f"{self._name()}: {len(held)} messages are still buffered, and go on being sent: {self._failure}"
        error = QueenBufferError(words, unsent=held)
        error.__cause__ = self._failure
        return error

    def _unfinished(self) -> QueenBufferError:
        words = f"{self._name()}: the client was closed before the flush was done"
        return QueenBufferError(words, unsent=items_as_given([*self._batch, *self._parcels]))

    def _refusal(self, parcel: Parcel) -> QueenBufferError:
        words = f"{self._name()}: the buffer is full, and the server refuses what is in it: {self._failure}"
        error = QueenBufferError(words, unsent=items_as_given([parcel]))
        error.__cause__ = self._failure
        return error

    def _closed_error(self, parcel: Parcel) -> BufferClosedError:
        words = f"{self._name()}: the client was closed before there was room"
        return BufferClosedError(words, unsent=items_as_given([parcel]))


def _size(parcels: Sequence[Parcel]) -> int:
    return sum([len(parcel.items) for parcel in parcels])


def _by_parcel(
    batch: Sequence[Parcel], results: Sequence[PushResponse]
) -> Iterator[Tuple[Parcel, Sequence[PushResponse]]]:
    """The parcels of a flush, each with its own results."""
    position = 0
    for parcel in batch:
        end = position + len(parcel.items)
        yield parcel, results[position:end]
        position = end
