"""The place of one buffer's messages in an outbox."""

from __future__ import annotations

import asyncio
from typing import Optional, Sequence, cast

from queen.buffering.outbox.outbox import Left, Outbox
from queen.buffering.parcel import Parcel
from queen.errors import OutboxError
from queen.operations.push import IdentifiedItem
from queen.transport import codec


class OutboxShelf:
    """The messages of one queue and partition in an outbox.

    Args:
        outbox: the outbox.
        queue: the queue.
        partition: the partition.
    """

    __slots__ = ("_outbox", "_place")

    def __init__(self, outbox: Outbox, queue: str, partition: str) -> None:
        self._outbox = outbox
        self._place = (queue, partition)

    @property
    def durable(self) -> bool:
        """They outlive this process."""
        return True

    @property
    def left(self) -> int:
        """How many messages a former process left that are not read yet."""
        left = self._left
        return 0 if left is None else left.count

    @property
    def tail(self) -> Optional[Parcel]:
        """The parcel that will hold the last of those."""
        left = self._left
        return None if left is None else left.tail

    def put(self, parcel: Parcel) -> asyncio.Future[None]:
        """Write the messages of a push."""
        return self._outbox.put(parcel)

    async def next_left(self, count: int) -> Parcel:
        """The next messages that a former process left, at most so many.

        Raises:
            OutboxError: they cannot be read.
        """
        left = self._left
        assert left is not None
        found = await self._outbox.read(self._place, left, count)
        items = [self._decoded(row, item) for row, item in found]
        is_tail = not found or len(found) >= left.count
        parcel = left.tail if is_tail else Parcel([], [], left.tail.callbacks, left.tail.since, left.tail.due)
        parcel.items, parcel.encoded, parcel.rows = items, [item for _, item in found], [row for row, _ in found]
        parcel.left, parcel.callbacks = True, self._outbox.left_callbacks
        if is_tail:
            del self._outbox.left[self._place]
        else:
            left.count -= len(found)
            left.after = found[-1][0]
        return parcel

    def remove(self, parcels: Sequence[Parcel]) -> None:
        """Delete messages."""
        self._outbox.remove([row for parcel in parcels for row in parcel.rows])

    @property
    def _left(self) -> Optional[Left]:
        return self._outbox.left.get(self._place)

    def _decoded(self, row: int, item: bytes) -> IdentifiedItem:
        try:
            return cast("IdentifiedItem", codec.decode(item))
        except ValueError as error:
            raise OutboxError(self._outbox.path, f"its message {row} is damaged: {error}") from error
