"""Waiting for an event for a while, working beside something else, and ending it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, AsyncIterator, Collection, Coroutine, Iterable, Optional, Tuple

from typing_extensions import Final

# How long a task that is ended may take to clean up.
_CLEANING_SECONDS: Final = 0.25

# What runs in a thread asks through tasks of their own; those that wait for the thread must not be waited for.
_waiting: ContextVar[Tuple[asyncio.Task[Any], ...]] = ContextVar("queen_waiting", default=())


def waited_for_by(task: Optional[asyncio.Task[Any]]) -> None:
    """Note that a task waits for what runs in this context."""
    if task is not None:
        _waiting.set((*_waiting.get(), task))


def own_tasks() -> Tuple[asyncio.Task[Any], ...]:
    """The running task, and those that wait for it: none of them ends before it does."""
    current = asyncio.current_task()
    return _waiting.get() if current is None else (*_waiting.get(), current)


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Until an event is set, or so many seconds have passed.

    ``asyncio.wait_for`` would do it, but before Python 3.12 it can swallow the cancellation of its caller when that
    comes together with the event.
    """
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
    finally:
        waiting.cancel()


@asynccontextmanager
async def beside(work: Iterable[Coroutine[object, object, None]]) -> AsyncIterator[None]:
    """Run coroutines while the block runs; when it ends, those that are not done are cancelled."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def end_tasks(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancel tasks, and wait a moment for what they do at their end: a user's code may take for ever."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CLEANING_SECONDS)
