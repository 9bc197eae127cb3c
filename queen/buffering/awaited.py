"""Those who wait until messages of a buffer are sent."""

from __future__ import annotations

import asyncio
from typing import Callable, List, Optional, Set, Tuple

from queen.buffering.parcel import Parcel


class AwaitedFlushes:
    """The flushes of one buffer that somebody waits for, each with the last parcel that it is about."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: List[Tuple[Parcel, asyncio.Future[None]]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, last: Parcel) -> asyncio.Future[None]:
        """A future that is done when this parcel, and all before it, is sent."""
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((last, sent))
        return sent

    def answer(self, gone: Set[int], failure: Optional[Callable[[], BaseException]]) -> None:
        """Tell how a request ended.

        Args:
            gone: the ids of the objects of the parcels of which nothing is left to be sent.
            failure: what is wrong with the others; None when nothing is, and they are to be waited for.
        """
        waiting, self._waiting = self._waiting, []
        for last, sent in waiting:
            if sent.done():
                continue
            if id(last.origin) in gone:
                sent.set_result(None)
            elif failure is not None:
                sent.set_exception(failure())
            else:
                self._waiting.append((last, sent))

    def fail(self, failure: Callable[[], BaseException]) -> None:
        """End all of them."""
        waiting, self._waiting = self._waiting, []
        for _, sent in waiting:
            if not sent.done():
                sent.set_exception(failure())
