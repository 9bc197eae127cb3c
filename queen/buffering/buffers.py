"""The buffers of one client."""

from __future__ import annotations

import asyncio
import warnings
from typing import Dict, List, Mapping, Optional, Sequence

from typing_extensions import Final

from queen.buffering.buffer import Buffer, Place, Tally
from queen.buffering.flush_queue import FlushQueue
from queen.buffering.options import BufferOptions
from queen.buffering.parcel import Parcel, Reports, items_as_given
from queen.errors import BufferClosedError, QueenBufferError, QueenError
from queen.operations.names import check_name, may_be_refused
from queen.operations.push import DEFAULT_PARTITION, IdentifiedItem, encode_item
from queen.operations.push_callbacks import PushCallbacks
from queen.transport.transport import Transport
from queen.types import BufferedResponse, BufferStats

# A request ends at the deadline by itself, which leaves its connection in a better state.
_GRACE_SECONDS: Final = 0.25


class Buffers:
    """One buffer for each queue and partition; they are flushed side by side.

    Args:
        transport: sends what is in them.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._buffers: Dict[Place, Buffer] = {}
        self._queue = FlushQueue()
        self._reports = Reports()
        self._tally = Tally()
        self._closed = False
        self._closing: Optional[asyncio.Lock] = None

    async def add(
        self, options: BufferOptions, items: Sequence[IdentifiedItem], callbacks: PushCallbacks
    ) -> BufferedResponse:
        """Take the messages of one push, of one queue and partition; wait while there is no room.

        Raises:
            BufferClosedError: the client is closed.
            QueenBufferError: there is no room, and the server refuses what is in the buffer.
            TypeError, ValueError: a payload or a queue name that cannot be sent.
        """
        if self._closed:
            raise _closed(items, callbacks)
        self._transport.check_usable("push")
        if items:
            queue, partition = items[0]["queue"], items[0].get("partition", DEFAULT_PARTITION)
            encoded = [encode_item(item) for item in items]
            now = asyncio.get_running_loop().time()
            parcel = Parcel(items, encoded, callbacks, now, now + options.seconds)
            if may_be_refused(queue):
                await self._check_name(parcel)
            if self._closed:
                raise _closed(items, callbacks)
            taken = self._buffer((queue, partition)).add(parcel, options)
            if taken is not None:
                await taken
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
            for (of_queue, of_partition), buffer in self._buffers.items()
            if queue in (None, of_queue) and partition in (None, of_partition)
        ]
        flushing = [sent for sent in [buffer.flush() for buffer in wanted] if sent is not None]
        outcomes = await asyncio.gather(*flushing, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for failure in failures:
            if not isinstance(failure, QueenBufferError):
                raise failure
        if failures:
            raise _together([failure for failure in failures if isinstance(failure, QueenBufferError)])

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
            QueenBufferError: some of it could not be sent; it is in ``unsent``, and nowhere else any more.
        """
        self._closed = True
        deadline = asyncio.get_running_loop().time() + seconds
        if self._closing is None:
            self._closing = asyncio.Lock()
        async with self._closing:
            for buffer in self._buffers.values():
                buffer.begin_close(deadline)
            await self._queue.finish(deadline + _GRACE_SECONDS)
            left = [buffer.end() for buffer in self._buffers.values()]
            failures = [buffer.failure for buffer in self._buffers.values() if buffer.failure is not None]
            self._buffers.clear()
            await self._reports.finish(deadline)
        unsent = items_as_given([parcel for parcels in left for parcel in parcels])
        if unsent:
            reason = str(failures[0]) if failures else f"they were not answered within {seconds:g} s"
            words = f"the client was closed with {len(unsent)} buffered messages that could not be sent: {reason}"
            raise QueenBufferError(words, unsent=unsent) from (failures[0] if failures else None)

    def abandon(self) -> List[Mapping[str, object]]:
        """Take nothing more, and give up what is held, since nobody can send it any more; that is returned."""
        self._closed = True
        left = [parcel for buffer in self._buffers.values() for parcel in buffer.end()]
        self._buffers.clear()
        return items_as_given(left)

    def __del__(self) -> None:
        left = sum(buffer.count for buffer in self._buffers.values())
        # What a child process has of its parent's buffers is the parent's to send.
        if left and self._transport.home.in_this_process():
            words = f"{left} buffered messages are lost: the client was never closed"
            warnings.warn(words, RuntimeWarning, stacklevel=2, source=self)

    async def _check_name(self, parcel: Parcel) -> None:
        try:
            await check_name(self._transport, parcel.items[0]["queue"])
        except QueenError as error:
            error.unsent = items_as_given([parcel])
            raise

    def _buffer(self, place: Place) -> Buffer:
        buffer = self._buffers.get(place)
        if buffer is None:
            buffer = Buffer(place, self._transport, self._queue, self._reports, self._tally, self._forget)
            self._buffers[place] = buffer
        return buffer

    def _forget(self, buffer: Buffer) -> None:
        # Partitions come and go without number; one that has nothing to send costs nothing.
        self._queue.forget(buffer)
        self._buffers.pop(buffer.place, None)


def _closed(items: Sequence[IdentifiedItem], callbacks: PushCallbacks) -> BufferClosedError:
    return BufferClosedError("push: the client is closed", unsent=items_as_given([Parcel(items, (), callbacks, 0, 0)]))


def _together(failures: List[QueenBufferError]) -> QueenBufferError:
    if len(failures) == 1:
        return failures[0]
    unsent = [item for failure in failures for item in failure.unsent]
    words = f"{len(failures)} buffers could not be flushed, and go on being sent; the first: {failures[0]}"
    error = QueenBufferError(words, unsent=unsent)
    error.__cause__ = failures[0]
    return error


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
