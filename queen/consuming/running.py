"""What a client runs until it ends: closing the client ends it first."""

from __future__ import annotations

import asyncio
from typing import Any, Optional, Set

import attrs
from typing_extensions import Protocol

from queen.errors import ClientClosedError
from queen.waiting import own_tasks


class Stoppable(Protocol):
    """A consumer of messages or windows."""

    async def run(self) -> None:
        """Consume until the end."""
        ...

    def stop(self) -> None:
        """Finish what is at hand, and start nothing more."""
        ...

    def works_in(self, task: Optional[asyncio.Task[object]]) -> bool:
        """Whether a task is one of its own: a handler that closes its client must not wait for itself."""
        ...


class RunningConsumers:
    """The consumers of one client, so that closing it can end them."""

    def __init__(self) -> None:
        self._running: Set[_Running] = set()
        self._stopped = False

    async def run(self, consumer: Stoppable) -> None:
        """Run a consumer until it ends.

        Raises:
            ClientClosedError: the client is closed, or about to be.
        """
        running = self._added(consumer, asyncio.current_task())
        try:
            await consumer.run()
        finally:
            self._running.discard(running)

    def start(self, consumer: Stoppable) -> asyncio.Task[None]:
        """Run a consumer in a task of its own.

        Raises:
            ClientClosedError: the client is closed, or about to be.
        """
        self._check_open()
        task = asyncio.get_running_loop().create_task(consumer.run())
        # Not when the task begins: the client may be closed before that.
        running = self._added(consumer, task)
        task.add_done_callback(lambda _: self._running.discard(running))
        return task

    async def stop(self, seconds: float) -> None:
        """End all consumers and wait until their handlers have finished, at most so many seconds."""
        self._stopped = True
        own = own_tasks()
        ending = set()
        for running in self._running:
            running.consumer.stop()
            if running.task is not None and running.task not in own and not any(map(running.consumer.works_in, own)):
                ending.add(running.task)
        if ending:
            await asyncio.wait(ending, timeout=seconds)

    def _added(self, consumer: Stoppable, task: Optional[asyncio.Task[Any]]) -> _Running:
        self._check_open()
        running = _Running(consumer, task)
        self._running.add(running)
        return running

    def _check_open(self) -> None:
        if self._stopped:
            raise ClientClosedError("consume: the client is closed")


@attrs.frozen(eq=False)
class _Running:
    consumer: Stoppable
    task: Optional[asyncio.Task[Any]]
