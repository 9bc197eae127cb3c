"""The place of one buffer's messages in an outbox."""

from __future__ import annotations

import asyncio
import logging
from typing import List, Optional, Sequence, cast

from queen import logs
from queen.buffering.outbox.outbox import Left, Outbox
from queen.buffering.parcel import Parcel
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

        Those that are damaged are passed over.

        Raises:
            OutboxError: the file cannot be read.
        """
        left = self._left
        assert left is not None
        found = await self._outbox.read(self._place, left, count)
        sound = [(row, item, decoded) for row, item in found for decoded in self._decoded(row, item)]
        is_tail = not found or len(found) >= left.count
        parcel = left.tail if is_tail else Parcel([], [], left.tail.callbacks, left.tail.since, left.tail.due)
        parcel.items, parcel.encoded = [decoded for _, _, decoded in sound], [item for _, item, _ in sound]
        parcel.rows = [row for row, _, _ in sound]
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

    def _decoded(self, row: int, item: bytes) -> List[IdentifiedItem]:
        """The item; nothing where it is damaged: it stays in the file, and does not hold up those behind it."""
        try:
            return [cast("IdentifiedItem", codec.decode(item))]
        except ValueError as error:
            self._outbox.damaged.append(row)
            logs.event(logging.ERROR, "Outbox.read", path=self._outbox.path, message=row, damaged=str(error))
            return []
