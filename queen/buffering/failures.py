"""What a buffer says when messages are not sent."""

from __future__ import annotations

from typing import Optional, Sequence

from queen.buffering.parcel import Parcel, items_as_given
from queen.errors import BufferClosedError, QueenBufferError, QueenError


def still_buffered(
    name: str, parcels: Sequence[Parcel], cause: Optional[QueenError], *, maybe_delivered: bool
) -> QueenBufferError:
    """A flush failed."""
    held = items_as_given(parcels)
    words = f"{name}: {len(held)} messages are still buffered, and go on being sent: {cause}"
    error = QueenBufferError(words, unsent=held, maybe_delivered=maybe_delivered)
    error.__cause__ = cause
    return error


def unfinished(name: str, parcels: Sequence[Parcel], *, maybe_delivered: bool) -> QueenBufferError:
    """A flush was under way when the client was closed."""
    words = f"{name}: the client was closed before the flush was done"
    return QueenBufferError(words, unsent=items_as_given(parcels), maybe_delivered=maybe_delivered)


def no_room_ever(name: str, parcel: Parcel, cause: Optional[QueenError]) -> QueenBufferError:
    """A push found no room, and will find none."""
    words = f"{name}: the buffer is full, and the server refuses what is in it: {cause}"
    error = QueenBufferError(words, unsent=items_as_given([parcel]))
    error.__cause__ = cause
    return error


def closed_meanwhile(name: str, parcel: Parcel) -> BufferClosedError:
    """A push waited for room when the client was closed."""
    return BufferClosedError(f"{name}: the client was closed before there was room", unsent=items_as_given([parcel]))
