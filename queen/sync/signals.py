"""What ends a consumer from another thread."""

from __future__ import annotations

import asyncio

from typing_extensions import Final, Literal, Protocol, override

from queen import validation

# How long after its setting a signal is seen; until then no further message is begun either.
_SECONDS: Final = 0.05


class Signal(Protocol):
    """A ``threading.Event``, or whatever tells the same."""

    def is_set(self) -> bool:
        """Whether the consumer is to end."""
        ...


class SignalFromThread(asyncio.Event):
    """A user's signal, as the consumers' loop sees it: nothing but looking tells that a thread has set it.

    Args:
        signal: the user's.

    Raises:
        TypeError: it is none.
    """

    def __init__(self, signal: Signal) -> None:
        # Not that of asyncio.Event, which before Python 3.10 looks for a loop in this thread.
        if isinstance(signal, asyncio.Event) or not callable(getattr(signal, "is_set", None)):
            raise validation.wrong_type("signal", signal, "a threading.Event, or whatever has is_set()")
        self._signal = signal

    @override
    def is_set(self) -> bool:
        return self._signal.is_set()

    @override
    async def wait(self) -> Literal[True]:
        while not self.is_set():  # noqa: ASYNC110  (a thread sets it, and tells nobody)
            await asyncio.sleep(_SECONDS)
        return True
