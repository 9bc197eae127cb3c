"""A running loop's time, so that nothing is waited out."""

from __future__ import annotations

from typing import Callable


class Clock:
    """The running loop's time, which a test moves on."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._ahead = 0.0

    def time(self) -> float:
        return self._time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
