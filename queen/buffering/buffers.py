"""The buffers of one client."""

from __future__ import annotations

import asyncio
import warnings
from typing import Dict, List, Mapping, Optional, Sequence

from typing_extensions import Final

from queen.buffering.buffer import Buffer, Place
from queen.buffering.flush_queue import FlushQueue
from queen.buffering.options import BufferOptions
from queen.buffering.outbox.outbox import Outbox
from queen.buffering.outbox.outboxes import Outboxes
from queen.buffering.outbox.shelf import OutboxShelf
from queen.buffering.parcel import Parcel, Reports, items_as_given
from queen.buffering.shelf import MEMORY
from queen.buffering.tally import Tally
from queen.errors import BufferClosedError, OutboxError, QueenBufferError, QueenError, WrongEventLoopError
from queen.operations.names import check_name, may_be_refused
from queen.operations.push import DEFAULT_PARTITION, IdentifiedItem, encode_item
from queen.operations.push_callbacks import PushCallbacks
from queen.transport.transport import Transport
from queen.types import BufferedResponse, BufferStats

# A request ends at the deadline by itself, which leaves its connection in a better state.
_GRACE_SECONDS: Final = 0.25


class Buffers:
    """One buffer for each queue and partition, and outbox if there is one; they are flushed side by side.

    Args:
        transport: sends what is in them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._buffers: Dict[Place, Buffer] = {}
        self._outboxes = Outboxes()
        self._queue = FlushQueue(transport.connections)
        self._reports = Reports()
        self._tally = Tally()
        self._closed = False
        self._closing: Optional[asyncio.Lock] = None
        # Kept here until it is told: a call that is cancelled while it closes must not lose it.
        self._given_up: List[Buffer] = []

    async def add(
        self, options: BufferOptions, items: Sequence[IdentifiedItem], callbacks: PushCallbacks
    ) -> BufferedResponse:
        """Take the messages of one push, of one queue and partition; wait while there is no room.

        With an outbox, it returns when they are on the disk.

        Raises:
            BufferClosedError: the client is closed.
            WrongEventLoopError: it belongs to another event loop or process.
            OutboxError: the file cannot be used; the messages were not taken.
            QueenBufferError: there is no room, and the server refuses what is in the buffer.
            TypeError, ValueError: a payload or a queue name that cannot be sent.
        """
        if self._closed:
            raise _closed(items, callbacks)
        try:
            self._transport.check_usable("push")
        except WrongEventLoopError as error:
            error.unsent = items_as_given([Parcel(items, (), callbacks, 0, 0)])
            raise
        if items:
            queue, partition = items[0]["queue"], items[0].get("partition", DEFAULT_PARTITION)
            encoded = [encode_item(item) for item in items]
            now = asyncio.get_running_loop().time()
            parcel = Parcel(items, encoded, callbacks, now, now + options.seconds)
            if may_be_refused(queue):
                await self._check_name(parcel)
            if self._closed:
                raise _closed(items, callbacks)
            outbox = None if options.durable is None else self._outboxes.of(options.durable, self._send_left)
            taken = self._buffer(queue, partition, outbox).add(parcel, options)
            if taken is not None:
                await taken
            if parcel.stored is not None:
                # Nothing stops the thread that writes: a push that is cancelled is taken all the same.
                await asyncio.shield(parcel.stored)
        return {"buffered": True, "count": len(items)}

    async def flush(self, queue: Optional[str] = None, partition: Optional[str] = None) -> None:
        """Send all that is buffered now: of one queue and partition, of one queue, or of all.

        Raises:
            ClientClosedError: the client is closed.
            QueenBufferError: some of it could not be sent, and stays buffered.
        """
        self._transport.check_usable("flush")
        wanted = [
            buffer
            for (of_queue, of_partition, _), buffer in self._buffers.items()
            if queue in (None, of_queue) and partition in (None, of_partition)
        ]
        await _flushed(wanted)

    async def recover(self, path: str, callbacks: PushCallbacks) -> int:
        """Send what a former process left in an outbox.

        Args:
            path: its file.
            callbacks: ``on_error`` takes what the server refuses.

        Returns:
            How many messages that were.

        Raises:
            BufferClosedError: the client is closed.
            OutboxError: the file cannot be used.
            QueenBufferError: some of it could not be sent; it stays in the file, and goes on being sent.
        """
        if self._closed:
            raise BufferClosedError("the client is closed")
        self._transport.check_usable("recover_outbox")
        outbox = self._outboxes.of(path, self._send_left)
        outbox.left_callbacks = callbacks
        found = await outbox.open()
        left = [buffer for (_, _, of), buffer in self._buffers.items() if of == outbox.path and buffer.left]
        # A server may have answered for some of what was found, or for all.
        count = found or sum(buffer.left for buffer in left)
        for buffer in left:
            buffer.hand_back_left(callbacks)
        await _flushed(left)
        if outbox.damaged:
            rows = ", ".join(map(str, outbox.damaged))
            raise OutboxError(outbox.path, f"its messages {rows} are damaged and stay in it; all others were sent")
        return count

    def depth(self) -> Dict[str, int]:
        """How many messages are buffered, by queue. It may be asked in any thread."""
        depth: Dict[str, int] = {}
        for (queue, _, _), buffer in list(self._buffers.items()):
            depth[queue] = depth.get(queue, 0) + buffer.count
        return depth

    def stats(self) -> BufferStats:
        """What is buffered, and what was done so far."""
        holding = [buffer for buffer in self._buffers.values() if buffer.count]
        oldest = [buffer.oldest for buffer in holding if buffer.oldest is not None]
        age = asyncio.get_running_loop().time() - min(oldest) if oldest and _in_a_loop() else 0.0
        return {
            "activeBuffers": len(holding),
            "totalBufferedMessages": sum(buffer.count for buffer in holding),
            "oldestBufferAge": round(age * 1000),
            "flushesPerformed": self._tally.flushed,
            "flushesFailed": self._tally.failed,
        }

    async def close(self, seconds: float) -> None:
        """Send what is buffered, for at most so many seconds; take nothing more.

        Raises:
            QueenBufferError: some of it could not be sent; it is in ``unsent``, and nowhere else any more. Of an outbox
                that is only what the server refuses, which stays in the file too; the rest stays there in silence.
        """
        self._closed = True
        deadline = asyncio.get_running_loop().time() + seconds
        if self._closing is None:
            self._closing = asyncio.Lock()
        async with self._closing:
            for buffer in self._buffers.values():
                buffer.begin_close(deadline)
            # Pushes that are being written were let in.
            await self._outboxes.settle()
            await self._queue.finish(deadline + _GRACE_SECONDS)
            self._given_up += self._buffers.values()
            self._buffers.clear()
            for buffer in self._given_up:
                buffer.give_up()
            await self._reports.finish(deadline)
            await self._outboxes.close()
        given_up, self._given_up = self._given_up, []
        left = [buffer.unsent for buffer in given_up]
        maybe_stored = any(buffer.maybe_stored for buffer in given_up)
        failures = [buffer.failure for buffer in given_up if buffer.failure is not None]
        unsent = items_as_given([parcel for parcels in left for parcel in parcels])
        if unsent:
            reason = str(failures[0]) if failures else f"they were not answered within {seconds:g} s"
            words = f"the client was closed with {len(unsent)} buffered messages that could not be sent: {reason}"
            if any(parcel.rows for parcels in left for parcel in parcels):
                words += "; those of an outbox stay in its file"
            error = QueenBufferError(words, unsent=unsent, maybe_delivered=maybe_stored)
            raise error from (failures[0] if failures else None)

    def abandon(self) -> List[Mapping[str, object]]:
        """Take nothing more, and give up what is held, since nobody can send it any more; that is returned."""
        self._closed = True
        for buffer in self._buffers.values():
            buffer.give_up()
        left = [parcel for buffer in [*self._given_up, *self._buffers.values()] for parcel in buffer.unsent]
        self._given_up.clear()
        self._buffers.clear()
        return items_as_given(left)

    def lose(self) -> None:
        """Warn of what is held, and forget it: the event loop has ended, and nobody can send it any more."""
        self._warn()
        self._given_up.clear()
        self._buffers.clear()

    def __del__(self) -> None:
        self._warn()

    def _warn(self) -> None:
        held = [*self._given_up, *self._buffers.values()]
        left = sum(buffer.count for buffer in held if not buffer.durable)
        # What a child process has of its parent's buffers is the parent's to send.
        if left and self._transport.home.in_this_process():
            words = f"{left} buffered messages are lost: the client was never closed"
            warnings.warn(words, RuntimeWarning, stacklevel=3, source=self)

    async def _check_name(self, parcel: Parcel) -> None:
        try:
            await check_name(self._transport, parcel.items[0]["queue"])
        except QueenError as error:
            error.unsent = items_as_given([parcel])
            raise

    def _send_left(self, outbox: Outbox) -> None:
        if self._closed:
            return
        for queue, partition in outbox.left:
            self._buffer(queue, partition, outbox).wake()

    def _buffer(self, queue: str, partition: str, outbox: Optional[Outbox]) -> Buffer:
        place = (queue, partition, None if outbox is None else outbox.path)
        buffer = self._buffers.get(place)
        if buffer is None:
            shelf = MEMORY if outbox is None else OutboxShelf(outbox, queue, partition)
            buffer = Buffer(place, shelf, self._transport, self._queue, self._reports, self._tally, self._forget)
            self._buffers[place] = buffer
        return buffer

    def _forget(self, buffer: Buffer) -> None:
        # Partitions come and go without number; one that has nothing to send costs nothing.
        self._queue.forget(buffer)
        self._buffers.pop(buffer.place, None)


def _closed(items: Sequence[IdentifiedItem], callbacks: PushCallbacks) -> BufferClosedError:
    return BufferClosedError("push: the client is closed", unsent=items_as_given([Parcel(items, (), callbacks, 0, 0)]))


async def _flushed(buffers: Sequence[Buffer]) -> None:
    """Send all that is in some buffers.

    Raises:
        QueenBufferError: some of it could not be sent, and stays buffered.
    """
    flushing = [sent for sent in [buffer.flush() for buffer in buffers] if sent is not None]
    outcomes = await asyncio.gather(*flushing, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    for failure in failures:
        if not isinstance(failure, QueenBufferError):
            raise failure
    if failures:
        raise _together([failure for failure in failures if isinstance(failure, QueenBufferError)])


def _together(failures: List[QueenBufferError]) -> QueenBufferError:
    if len(failures) == 1:
        return failures[0]
    unsent = [item for failure in failures for item in failure.unsent]
    words = f"{len(failures)} buffers could not be flushed, and go on being sent; the first: {failures[0]}"
    maybe_delivered = any(failure.maybe_delivered for failure in failures)
    error = QueenBufferError(words, unsent=unsent, maybe_delivered=maybe_delivered)
    error.__cause__ = failures[0]
    return error


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
