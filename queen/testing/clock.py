"""A clock that runs with the machine's and can be moved forward."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Callable, Optional, Set

from queen.broker.clock import Timer


class MovableClock:
    """The machine's clock, moved forward as often as is asked; from any thread.

    Timers fire in the event loop that set them.
    """

    def __init__(self) -> None:
        self._ahead = 0
        self._lock = threading.Lock()
        self._timers: Set[_Timer] = set()

    def now(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000 + self._ahead

    def call_at(self, moment: int, callback: Callable[[], None]) -> Timer:
        """Call back in the running loop once it is this time."""
        timer = _Timer(self, moment, callback)
        with self._lock:
            self._timers.add(timer)
        # Only now is its time looked at: a move from another thread would otherwise come in between, and be missed.
        timer.arm()
        return timer

    def advance(self, seconds: float) -> None:
        """Move forward; what falls due fires as soon as its loop runs on."""
        with self._lock:
            self._ahead += round(seconds * 1e6)
            timers = list(self._timers)
        for timer in timers:
            if not timer.arm_soon():
                self.forget(timer)

    def forget(self, timer: _Timer) -> None:
        """A timer that needs no more moving."""
        with self._lock:
            self._timers.discard(timer)


class _Timer:
    def __init__(self, clock: MovableClock, moment: int, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._moment = moment
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._handle: Optional[asyncio.TimerHandle] = None
        self._over = False

    def arm(self) -> None:
        """Fire when the time has come; its loop calls this, and again when the clock was moved."""
        if self._over:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_later(max(0, self._moment - self._clock.now()) / 1e6, self._fire)

    def arm_soon(self) -> bool:
        """Let its loop look at the clock again; False where the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(self.arm)
        except RuntimeError:
            return False
        return True

    def cancel(self) -> None:
        """Do not fire."""
        self._over = True
        if self._handle is not None:
            self._handle.cancel()
        self._clock.forget(self)

    def _fire(self) -> None:
        self._over = True
        self._clock.forget(self)
        self._callback()
