"""One buffer: the messages of one queue and partition, on their way in the order in which they came."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
from collections import deque
from typing import Callable, Deque, List, Optional, Sequence, Tuple

from queen import logs
from queen.buffering import failures
from queen.buffering.awaited import AwaitedFlushes
from queen.buffering.flush_queue import FlushQueue
from queen.buffering.options import BufferOptions, buffer_options
from queen.buffering.parcel import Parcel, Reports, by_parcel, first_within, size_of
from queen.buffering.shelf import Shelf
from queen.buffering.tally import Tally
from queen.errors import OutboxError, PushRejectedError, QueenError, is_final
from queen.operations.push import push
from queen.operations.push_callbacks import NO_CALLBACKS, PushCallbacks
from queen.transport.transport import Transport

Place = Tuple[str, str, Optional[str]]
"""Queue, partition, and the file of the outbox, None for memory."""


class Buffer:
    """Messages that are sent together, at most one request at a time, in the order in which they came.

    A flush that fails keeps its batch at the front and is repeated, as the same batch, until the server has taken it.

    Args:
        place: which messages it holds.
        shelf: where they are kept.
        transport: sends.
        queue: says when it is this buffer's turn.
        reports: calls the users' callbacks.
        tally: counts flushes.
        on_empty: called with the buffer when nothing is left, so that it can be forgotten.
    """

    # With a dict, an event and a deque for each, an idle buffer would be 3 kB larger.
    __slots__ = (
        "_awaited",
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
        "_shelf",
        "_storing",
        "_tally",
        "_transport",
        "place",
    )

    def __init__(
        self,
        place: Place,
        shelf: Shelf,
        transport: Transport,
        queue: FlushQueue,
        reports: Reports,
        tally: Tally,
        on_empty: Callable[[Buffer], None],
    ) -> None:
        self.place = place
        self._shelf = shelf
        self._transport = transport
        self._queue = queue
        self._reports = reports
        self._tally = tally
        self._on_empty = on_empty
        self._options: BufferOptions = buffer_options()
        self._parcels: List[Parcel] = []
        self._batch: List[Parcel] = []
        self._count = 0
        self._storing = 0
        self._due = math.inf
        self._pushers: Optional[Deque[Tuple[Parcel, asyncio.Future[None]]]] = None
        self._awaited = AwaitedFlushes()
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
        return self._count + self._shelf.left

    @property
    def left(self) -> int:
        """How many of them a former process left."""
        return self._shelf.left + size_of([parcel for parcel in self._batch if parcel.left])

    @property
    def durable(self) -> bool:
        """Whether they outlive this process."""
        return self._shelf.durable

    @property
    def oldest(self) -> Optional[float]:
        """When its oldest message came, in the loop's time; None while it is empty."""
        first = next(iter(self._batch), None) or self._shelf.tail or next(iter(self._parcels), None)
        return None if first is None else first.since

    def add(self, parcel: Parcel, options: BufferOptions) -> Optional[asyncio.Future[None]]:
        """Take the messages of one push; ``parcel.stored`` says then whether they are kept, if that takes a while.

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
            raise failures.no_room_ever(self._name(), parcel, self._failure)
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
        last = next(reversed(self._parcels), None) or self._shelf.tail or next(reversed(self._batch), None)
        if last is None:
            return None
        sent = self._awaited.add(last)
        self._retry_at = -math.inf
        self._schedule()
        return sent

    def begin_close(self, deadline: float) -> None:
        """Send what is in it until the deadline (loop time), and take nothing more."""
        self._closing = True
        self._deadline = deadline
        self._retry_at = -math.inf
        self._turn_away(lambda parcel: failures.closed_meanwhile(self._name(), parcel))
        self._schedule()

    def give_up(self) -> None:
        """Tell those who wait for a flush that it will not be done."""
        held = [*self._batch, *self._parcels]
        self._awaited.fail(lambda: failures.unfinished(self._name(), held, maybe_delivered=self._maybe_stored))

    @property
    def unsent(self) -> List[Parcel]:
        """What its user must know of when it has given up: what would be lost now, and what the server refuses."""
        if self._shelf.durable:
            return self._batch if is_final(self._failure) else []
        return [*self._batch, *self._parcels]

    def hand_back_left(self, callbacks: PushCallbacks) -> None:
        """Let callbacks take what a former process left and the server refuses."""
        for parcel in self._batch:
            if parcel.left:
                parcel.callbacks = callbacks

    def wake(self) -> None:
        """Send what is due."""
        self._schedule()

    async def send(self) -> None:
        """Send the batch at the front."""
        if not self._has_some():
            return
        self._sending = True
        try:
            if not self._batch:
                self._batch = self._next_batch() if self._shelf.tail is None else [await self._next_left()]
            await self._send_batch()
        except OutboxError as error:
            # What a former process left cannot be read now.
            self._note(error, logging.ERROR)
            self._awaited.fail(self._still_buffered)
        except Exception as error:  # noqa: BLE001  (it must not stop the buffers behind it)
            self._met_a_defect(error)
            return
        finally:
            self._sending = False
        self._schedule()
        self._forget_if_empty()

    @property
    def failure(self) -> Optional[QueenError]:
        """Why the last flush failed; None when it did not."""
        return self._failure

    @property
    def maybe_stored(self) -> bool:
        """Whether some of what it holds may be stored: the answer of the last flush was lost."""
        return self._maybe_stored

    def _has_room(self, parcel: Parcel) -> bool:
        # A push of more than fits is taken when there is nothing else, and sent as one request.
        held = self._count + self._storing
        return held == 0 or held + len(parcel.items) <= self._options.max_size

    def _take(self, parcel: Parcel) -> None:
        parcel.stored = self._shelf.put(parcel)
        if parcel.stored is None:
            self._append(parcel)
        else:
            self._storing += len(parcel.items)
            parcel.stored.add_done_callback(functools.partial(self._is_stored, parcel))

    def _is_stored(self, parcel: Parcel, stored: asyncio.Future[None]) -> None:
        """Go on with a parcel that took a while to be kept, or do without it."""
        self._storing -= len(parcel.items)
        if stored.exception() is None:
            self._append(parcel)
        else:
            self._let_in()
        self._schedule()
        self._forget_if_empty()

    def _append(self, parcel: Parcel) -> None:
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
        if self._sending or not self._has_some():
            return
        if self._has_given_up():
            self._queue.forget(self)
            return
        is_repeat = self._batch or isinstance(self._failure, OutboxError)
        when = self._retry_at if is_repeat else self._send_at()
        if when <= asyncio.get_running_loop().time():
            self._queue.start(self)
        else:
            self._queue.wake_at(self, when)

    def _send_at(self) -> float:
        if self._closing or self._awaited or self._pushers or self._shelf.tail is not None:
            return -math.inf
        return -math.inf if self._count >= self._options.message_count else self._due

    def _has_given_up(self) -> bool:
        return self._closing and bool(self._batch) and (is_final(self._failure) or self._retry_at >= self._deadline)

    def _has_some(self) -> bool:
        return bool(self._batch or self._parcels or self._shelf.tail is not None)

    def _forget_if_empty(self) -> None:
        if not (self._has_some() or self._storing or self._pushers or self._sending):
            self._on_empty(self)

    async def _next_left(self) -> Parcel:
        parcel = await self._shelf.next_left(self._options.message_count)
        self._count += len(parcel.items)
        return parcel

    def _next_batch(self) -> List[Parcel]:
        wanted = self._options.message_count
        if self._count <= wanted:
            batch, self._parcels, self._due = self._parcels, [], math.inf
            return batch
        batch = self._parcels[: first_within(self._parcels, wanted)]
        del self._parcels[: len(batch)]
        self._due = min((parcel.due for parcel in self._parcels), default=math.inf)
        return batch

    async def _send_batch(self) -> None:
        batch = self._batch
        items = [item for parcel in batch for item in parcel.items]
        encoded = [data for parcel in batch for data in parcel.encoded]
        try:
            repeated = self._maybe_stored or batch[0].left
            pushing = push(self._transport, items, encoded=encoded, repeated=repeated, seconds=self._seconds_left())
            if self._transport.hooks is not None:
                # Imported here, since most clients have no hooks.
                from queen.buffering.hooked import flush_in_hooks

                pushing = flush_in_hooks(self._transport.hooks, self.place, self._failures + 1, items, pushing)
            results = await pushing
        except asyncio.CancelledError:
            self._maybe_stored = True
            raise
        except QueenError as error:
            self._keep(error)
        else:
            self._batch = []
            self._shelf.remove(batch)
            if any(parcel.callbacks is not NO_CALLBACKS for parcel in batch):
                for parcel, own in by_parcel(batch, results):
                    self._reports.accepted(parcel, own)
        self._settle(batch)

    def _seconds_left(self) -> Optional[float]:
        """How long a request may still take; None while nobody waits for the end."""
        return max(0.0, self._deadline - asyncio.get_running_loop().time()) if self._closing else None

    def _keep(self, error: QueenError) -> None:
        """Note a failure: the batch stays at the front, but for what goes back to the user."""
        self._maybe_stored = self._maybe_stored or error.maybe_delivered
        blocks = is_final(error) and any(parcel.callbacks.on_error is None for parcel in self._batch)
        self._note(error, logging.ERROR if blocks else logging.WARNING)
        if not is_final(error):
            return
        refused = self._batch
        if isinstance(error, PushRejectedError):
            refused, accepted = self._reports.in_part(self._batch, error)
            self._shelf.remove(accepted)
        self._batch = []
        for parcel in refused:
            if parcel.callbacks.on_error is not None:
                self._reports.refused(parcel, error, self._shelf.remove)
            else:
                self._batch.append(parcel)

    def _note(self, error: QueenError, level: int) -> None:
        """Log a failure, and wait a while before the next attempt."""
        self._failure = error
        self._failures += 1
        self._retry_at = asyncio.get_running_loop().time() + self._transport.retry.wait_before(self._failures)
        self._tally.failed += 1
        logs.event(level, "Buffer.flush", buffer=self._name(), messages=self.count, failed=str(error))

    def _settle(self, batch: Sequence[Parcel]) -> None:
        """Draw the conclusions of a flush."""
        self._count += size_of(self._batch) - size_of(batch)
        failed = bool(self._batch)
        if not failed:
            self._tally.flushed += 1
            self._failure, self._failures, self._maybe_stored = None, 0, False
        if self._awaited:
            kept = {id(parcel.origin) for parcel in self._batch}
            gone = {id(parcel.origin) for parcel in batch} - kept
            self._awaited.answer(gone, self._still_buffered if failed else None)
        self._let_in()
        if is_final(self._failure) and failed:
            self._turn_away(lambda parcel: failures.no_room_ever(self._name(), parcel, self._failure))

    def _still_buffered(self) -> BaseException:
        held = [*self._batch, *self._parcels]
        return failures.still_buffered(self._name(), held, self._failure, maybe_delivered=self._maybe_stored)

    def _turn_away(self, why: Callable[[Parcel], BaseException]) -> None:
        """Fail all pushes that wait for room."""
        for parcel, taken in self._pushers or ():
            if not taken.done():
                taken.set_exception(why(parcel))
        self._pushers = None

    def _met_a_defect(self, error: Exception) -> None:
        """A defect of this library: the messages stay, and close() hands them back."""
        logs.event(logging.ERROR, "Buffer.flush", error, buffer=self._name(), messages=self.count)
        self._awaited.fail(lambda: error)
        self._turn_away(lambda _: error)

    def _name(self) -> str:
        return "/".join(self.place[:2])
