"""The broker's clock: time in microseconds, and calls at a later time. Tests bring their own."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Callable, List, Tuple

from typing_extensions import Protocol


class Timer(Protocol):
    """A call that will be made."""

    def cancel(self) -> None:
        """Do not make it."""
        ...


class Clock(Protocol):
    """What the broker needs of time."""

    def now(self) -> int:
        """Microseconds since 1970."""
        ...

    def call_at(self, moment: int, callback: Callable[[], None]) -> Timer:
        """Call back in the running loop once it is this time."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000

    def call_at(self, moment: int, callback: Callable[[], None]) -> Timer:
        """Call back in the running loop once it is this time."""
        return asyncio.get_running_loop().call_later(max(0, moment - self.now()) / 1e6, callback)


class ManualClock:
    """A clock that stands still until it is told to move.

    Args:
        start: microseconds since 1970.
    """

    def __init__(self, start: int = 1_700_000_000_000_000) -> None:
        self._now = start
        self._order = itertools.count()
        self._timers: List[Tuple[int, int, _ManualTimer]] = []

    def now(self) -> int:
        """Microseconds since 1970."""
        return self._now

    def call_at(self, moment: int, callback: Callable[[], None]) -> Timer:
        """Call back once the clock was moved to this time."""
        timer = _ManualTimer(callback)
        if moment <= self._now:
            asyncio.get_running_loop().call_soon(timer.fire)
        else:
            heapq.heappush(self._timers, (moment, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move forward, making the calls that fall due on the way."""
        target = self._now + round(seconds * 1e6)
        while self._timers and self._timers[0][0] <= target:
            self._now, _, timer = heapq.heappop(self._timers)
            timer.fire()
        self._now = target


class _ManualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def fire(self) -> None:
        if not self._cancelled:
            self._callback()
