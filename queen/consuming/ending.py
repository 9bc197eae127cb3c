"""How consumers end: by a signal, by being stopped, or because one of their workers failed."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Awaitable, Optional, Set, Type, TypeVar

from typing_extensions import Final, Self

from queen import validation
from queen.waiting import wait_at_most

T = TypeVar("T")

# How long a parked poll may still be answered after the end: what it brings is given back, not lost until its lease
# runs out.
_LAST_ANSWER_SECONDS: Final = 0.25


def check_signal(signal: object) -> None:
    """Refuse what is neither None nor an event, before anything is done for it.

    Raises:
        TypeError: it is something else.
    """
    if signal is not None and not isinstance(signal, asyncio.Event):
        raise validation.wrong_type("signal", signal, "an asyncio.Event")


class Ending:
    """Tells the workers of one consumer to end. It is in force inside its ``async with`` block.

    Args:
        signal: ends them when it is set.
    """

    def __init__(self, signal: Optional[asyncio.Event]) -> None:
        self._signal = signal
        self._begun = False
        self._event: Optional[asyncio.Event] = None
        self._watcher: Optional[asyncio.Task[None]] = None
        self._asked: Set[asyncio.Future[Any]] = set()

    async def __aenter__(self) -> Self:
        # Made here: before Python 3.10 an event belongs to the loop in which it is made.
        self._event = asyncio.Event()
        if self._begun:
            self._event.set()
        if self._signal is not None:
            self._watcher = asyncio.ensure_future(self._watch(self._signal))
        return self

    async def __aexit__(
        self,
        error_type: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()

    def begin(self) -> None:
        """Let the workers end; those that have not started do not start."""
        self._begun = True
        if self._event is not None:
            self._event.set()
        for asked in self._asked:
            _end_soon(asked)

    @property
    def begun(self) -> bool:
        """Whether no further message shall be started."""
        return self._begun or (self._signal is not None and self._signal.is_set())

    async def pause(self, seconds: float) -> None:
        """Wait, at most until the end."""
        if self._event is not None:
            await wait_at_most(self._event, seconds)

    async def answer(self, poll: Awaitable[T]) -> Optional[T]:
        """The answer of a long poll; None when the end came and no answer in the moment after it."""
        asked = asyncio.ensure_future(poll)
        self._asked.add(asked)
        if self._begun:
            _end_soon(asked)
        try:
            # Not awaited itself: when the end cancels it, that is no cancellation of the worker.
            await asyncio.wait({asked})
            return None if asked.cancelled() else asked.result()
        finally:
            self._asked.discard(asked)
            asked.cancel()

    async def _watch(self, signal: asyncio.Event) -> None:
        await signal.wait()
        self.begin()


def _end_soon(asked: asyncio.Future[Any]) -> None:
    asked.get_loop().call_later(_LAST_ANSWER_SECONDS, asked.cancel)
