"""A coroutine that is cancelled at its nth suspension."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Generator

from typing_extensions import Literal

# At once: while what it waits for is under way. As it comes: what it waits for is done, and its result is thrown away.
# Soon: a turn of the loop later, so that part of what it waits for has happened.
_PATIENCE_SECONDS = 0.3
Moment = Literal["at once", "as it comes", "soon"]


class CancelledAt:
    """Awaits something, and cancels its task at the nth suspension.

    Args:
        awaitable: what is awaited.
        place: at which suspension; 1 is the first.
        moment: when in it.

    Attributes:
        reached: whether there were so many suspensions.
    """

    def __init__(self, awaitable: Awaitable[Any], place: int, moment: Moment) -> None:
        self._awaitable = awaitable
        self._left = place
        self._moment = moment
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        step: Callable[[], Any] = lambda: inner.send(None)  # noqa: E731
        while True:
            try:
                waited_for = step()
            except StopIteration as end:
                return end.value
            self._left -= 1
            if self._left == 0:
                self.reached = True
                self._cancel(waited_for)
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001  (all of it goes to the awaited)
                step = _throwing(inner, error)
            else:
                step = lambda: inner.send(None)  # noqa: E731

    def _cancel(self, waited_for: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._moment == "at once" or not isinstance(waited_for, asyncio.Future):
            task.cancel()
        elif self._moment == "soon":
            asyncio.get_running_loop().call_soon(task.cancel)
        else:
            # Before the task hears of it: it is cancelled with the result in its hands.
            waited_for.add_done_callback(lambda _: task.cancel())


def _throwing(inner: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: inner.throw(error)


async def cancelled_at(call: Callable[[], Awaitable[Any]], place: int, moment: Moment) -> bool:
    """Make a call in a task of its own and cancel it.

    Returns:
        Whether it was suspended so often; when not, it has come to its end.
    """
    watched = CancelledAt(call(), place, moment)

    async def run() -> None:
        await watched

    running = asyncio.ensure_future(_quiet(run()))
    await asyncio.wait({running}, timeout=_PATIENCE_SECONDS)
    if not running.done():
        # It waits for what does not come by itself: the last of its places.
        running.cancel()
        await asyncio.wait({running})
        return False
    running.result()
    return watched.reached


async def _quiet(running: Awaitable[None]) -> None:
    try:
        await running
    except (asyncio.CancelledError, Exception) as error:
        if isinstance(error, (TypeError, KeyError, AttributeError, AssertionError)):
            raise
