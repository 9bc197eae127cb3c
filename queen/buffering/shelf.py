"""Where the messages of a buffer are kept until a server has them: in memory, or in the file of an outbox."""

from __future__ import annotations

import asyncio
from typing import Optional, Sequence

from typing_extensions import Final, Protocol

from queen.buffering.parcel import Parcel


class Shelf(Protocol):
    """The place of the messages of one buffer."""

    @property
    def durable(self) -> bool:
        """Whether the messages outlive this process."""
        ...

    @property
    def left(self) -> int:
        """How many messages a former process left that are not read yet; they are sent before all others."""
        ...

    @property
    def tail(self) -> Optional[Parcel]:
        """The parcel, still empty, that will hold the last of those; None when none is left to be read."""
        ...

    def put(self, parcel: Parcel) -> Optional[asyncio.Future[None]]:
        """Keep the messages of a push.

        Returns:
            None when they are kept; else a future, done when they are, in the order of the calls. Its error is
            ``OutboxError``: they could not be kept, none of them.
        """
        ...

    async def next_left(self, count: int) -> Parcel:
        """The next messages that a former process left, at most so many.

        Raises:
            OutboxError: they cannot be read.
        """
        ...

    def remove(self, parcels: Sequence[Parcel]) -> None:
        """Keep messages no longer: a server has them, or their user."""
        ...


class MemoryShelf:
    """No place besides the buffer itself."""

    @property
    def durable(self) -> bool:
        """They do not."""
        return False

    @property
    def left(self) -> int:
        """None ever."""
        return 0

    @property
    def tail(self) -> None:
        """None ever."""
        return

    def put(self, parcel: Parcel) -> None:
        """Nothing is to be done."""

    async def next_left(self, count: int) -> Parcel:
        """Nothing is ever left."""
        raise LookupError(f"{count} messages were asked for of memory, where nothing is left by former processes")

    def remove(self, parcels: Sequence[Parcel]) -> None:
        """Nothing is to be done."""


MEMORY: Final = MemoryShelf()
