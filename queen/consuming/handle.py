"""A consumer that runs beside the program: how it is, and how it is ended."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime, timezone
from types import TracebackType
from typing import Awaitable, Callable, Generator, Optional, Type

from typing_extensions import Self

from queen import logs
from queen.consuming.progress import Progress
from queen.settling.decision import reason_of
from queen.types import ConsumerLag, ConsumerStatus


class ConsumerHandle:
    """A consumer that runs in a task of its own: ``handle = queen.queue("orders").consume(handler).start()``.

    It ends as every consumer does: by its limit, idle time or signal, by ``stop()``, or with the client. ``async with``
    stops it at the end of the block and waits for it; where the block raised, that is left to the client's ``close()``.
    ``await handle`` waits until it has ended. What ended it otherwise is logged, and raised to everybody who waits.

    Args:
        name: what it consumes, for people.
        task: its task.
        stop: ends it as the signal does.
        progress: what it has done so far.
        lag: asks the server how far its group is behind.
    """

    def __init__(
        self,
        name: str,
        task: asyncio.Task[None],
        stop: Callable[[], None],
        progress: Progress,
        lag: Callable[[], Awaitable[ConsumerLag]],
    ) -> None:
        self._name = name
        self._task = task
        self._stop = stop
        self._progress = progress
        self._lag = lag
        task.add_done_callback(self._ended)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self._task.done()

    @property
    def started_at(self) -> datetime:
        """When it was started, an aware datetime in UTC."""
        return _moment(self._progress.started_at)

    @property
    def last_poll_at(self) -> Optional[datetime]:
        """When a pop was last answered, with messages or without; None while none was."""
        polled = self._progress.last_poll_at
        return None if polled is None else _moment(polled)

    @property
    def seconds_since_poll(self) -> float:
        """How long ago that was, in seconds; since the start where no pop was answered yet.

        A long poll that finds nothing is answered after ``timeout_millis`` (30 seconds), and a worker does not poll
        while its handler works.
        """
        polled = self._progress.last_poll_at
        return max(0.0, time.time() - (self._progress.started_at if polled is None else polled))

    @property
    def in_hand(self) -> int:
        """How many messages handlers have right now."""
        return self._progress.in_hand

    @property
    def handled(self) -> int:
        """How many messages were handled without an error."""
        return self._progress.handled

    @property
    def failed(self) -> int:
        """How many messages failed in the handler."""
        return self._progress.failed

    @property
    def last_error(self) -> Optional[BaseException]:
        """The latest failure of a handler, a pop or an ack, or what ended the consumer; None for none."""
        return self._progress.last_error

    def status(self) -> ConsumerStatus:
        """How it is, as JSON."""
        progress, error = self._progress, self.last_error
        polled = self.last_poll_at
        return {
            "name": self._name,
            "running": self.running,
            "started_at": self.started_at.isoformat(),
            "last_poll_at": None if polled is None else polled.isoformat(),
            "seconds_since_poll": round(self.seconds_since_poll, 3),
            "in_hand": progress.in_hand,
            "handled": progress.handled,
            "failed": progress.failed,
            "last_error": None if error is None else f"{type(error).__name__}: {reason_of(error)}",
        }

    async def lag(self) -> ConsumerLag:
        """Ask the server how far the group is behind.

        Returns:
            ``messages`` (not settled by the group), ``seconds`` (the age of the oldest of them), ``partitions`` (in how
            many they are) and ``partitions_not_begun``: the servers count only where the group has begun to read.

        Raises:
            ValueError: the group's name is one by which no server can be asked.
            QueenError: there is no answer.
        """
        return await self._lag()

    def stop(self) -> None:
        """End it: the message at hand is finished and settled, those that were not started are given back."""
        self._stop()

    async def stopped(self) -> None:
        """Wait until it has ended; cancelling that does not end it.

        Raises:
            QueenError: what ended it otherwise, as ``consume`` raises it.
            asyncio.CancelledError: its task was cancelled.
        """
        await asyncio.wait({self._task})
        self._task.result()

    def __await__(self) -> Generator[object, None, None]:
        return self.stopped().__await__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        error_type: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()
        if error is None:
            await self.stopped()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name} {'running' if self.running else 'ended'}>"

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Look at what ended it, which nobody may be waiting for."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._progress.last_error = error
            logs.event(logging.ERROR, "ConsumerHandle", error, consumer=self._name, ended=reason_of(error))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
