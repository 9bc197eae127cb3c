"""Time that tests move: the broker's clock, the event loop's clock and the snippets' own, together."""

from __future__ import annotations

import asyncio
import datetime
import types
from typing import Any, Coroutine, List

from queen.broker import ManualClock

_EPOCH = datetime.datetime(1970, 1, 1)
_SECOND = datetime.timedelta(seconds=1)


class VirtualTime:
    """A clock for the broker, and the running loop's clock, which jumps with it.

    The loop's clock goes on by itself as well, so that what waits for a few real milliseconds ends.

    Args:
        start: an ISO 8601 time without an offset, in UTC.
    """

    def __init__(self, start: str) -> None:
        self.clock = ManualClock(_micros(start))
        self._loop = asyncio.get_running_loop()
        self._own_time = self._loop.time
        self._ahead = 0.0
        self._loop.time = lambda: self._own_time() + self._ahead  # type: ignore[method-assign]

    def advance(self, seconds: float) -> None:
        """Move all clocks forward."""
        self._ahead += seconds
        self.clock.advance(seconds)

    def move_to(self, moment: str) -> None:
        """Move all clocks forward to a time, as in ``2025-10-28T09:00:00``."""
        seconds = (_micros(moment) - self.clock.now()) / 1e6
        assert seconds >= 0, f"{moment} is over"
        self.advance(seconds)

    def stop(self) -> None:
        """Give the loop its own clock back."""
        self._loop.time = self._own_time  # type: ignore[method-assign]

    def asyncio_module(self, mains: List[Coroutine[Any, Any, Any]]) -> types.SimpleNamespace:
        """``asyncio`` as snippets see it.

        ``sleep`` moves the clocks instead of waiting. ``run`` notes its coroutine, since a loop runs already.

        Args:
            mains: where ``run`` puts its coroutine.
        """

        async def sleep(delay: float, result: Any = None) -> Any:
            self.advance(delay)
            await asyncio.sleep(0)
            return result

        return types.SimpleNamespace(**{**vars(asyncio), "sleep": sleep, "run": mains.append})

    def datetime_module(self) -> types.SimpleNamespace:
        """``datetime`` as snippets see it: now is the broker's now."""
        clock = self.clock

        class BrokerDatetime(datetime.datetime):
            @classmethod
            def utcnow(cls) -> datetime.datetime:
                return _EPOCH + datetime.timedelta(microseconds=clock.now())

        return types.SimpleNamespace(**{**vars(datetime), "datetime": BrokerDatetime})


def _micros(moment: str) -> int:
    return round((datetime.datetime.fromisoformat(moment) - _EPOCH) / _SECOND * 1e6)
