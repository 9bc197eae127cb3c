"""The consume loop: workers that pop and process until they are to end."""

from __future__ import annotations

import asyncio
import logging
from typing import List, Optional, Set

import attrs
from typing_extensions import Final

from queen import logs
from queen.consuming.handlers import Callbacks, Handler
from queen.consuming.lease_keeper import LeaseKeeper
from queen.consuming.options import ConsumeOptions
from queen.consuming.processing import Processor, give_back
from queen.errors import PERMANENT_ERRORS, ClientClosedError, QueenError
from queen.message import Message
from queen.operations.pop import PopOptions
from queen.operations.source import Source
from queen.transport.retry import RetryPolicy
from queen.transport.transport import Transport

# How long a parked poll may still be answered after the signal: what it brings is given back, not lost until its
# lease runs out.
_LAST_ANSWER_SECONDS: Final = 0.25
# Between two pops that the server does not hold: because they do not ask it to, or because its pops are switched off.
_PAUSE_SECONDS: Final = 0.1
_BACKOFF: Final = RetryPolicy(attempts=0, delay=1.0)


class Consumer:
    """Workers that consume until a limit, a time without messages, or a signal ends them.

    Args:
        transport: renews leases.
        source: pops.
        options: how to consume.
        handler: takes one message, or a list.
        callbacks: what else is told to the user.
        signal: ends the workers when it is set: the message at hand is finished and settled, messages that were not
            started are given back.
    """

    def __init__(
        self,
        transport: Transport,
        source: Source,
        options: ConsumeOptions,
        handler: Handler,
        callbacks: Callbacks,
        signal: Optional[asyncio.Event] = None,
    ) -> None:
        self._source = source
        self._options = options
        self._signal = signal
        self._stop: Optional[asyncio.Event] = None
        self._workers: List[asyncio.Task[None]] = []
        keeper = LeaseKeeper(transport, options.renew_millis, callbacks.on_lease_lost)
        self._processor = Processor(options, handler, callbacks, keeper, self._is_stopping)

    async def run(self) -> None:
        """Consume until the end.

        Raises:
            AuthenticationError, PermissionDeniedError, UnsupportedByServerError: the server will refuse for ever;
                other failures of a pop are logged, and the loop goes on after a pause.
            ClientClosedError: the client was closed before.
        """
        self._stop = asyncio.Event()
        watcher = asyncio.ensure_future(self._watch(self._signal)) if self._signal is not None else None
        self._workers = [asyncio.ensure_future(self._work()) for _ in range(self._options.concurrency)]
        try:
            await self._until_all_end(self._workers)
        finally:
            for task in [*self._workers, *([watcher] if watcher is not None else [])]:
                task.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)

    def stop(self) -> None:
        """End the workers as the signal does."""
        if self._stop is not None:
            self._stop.set()

    def works_in(self, task: Optional[asyncio.Task[object]]) -> bool:
        """Whether a task is one of the workers: a handler that closes its client must not wait for itself."""
        return task in self._workers

    def _is_stopping(self) -> bool:
        return self._stop is None or self._stop.is_set() or (self._signal is not None and self._signal.is_set())

    async def _watch(self, signal: asyncio.Event) -> None:
        await signal.wait()
        self.stop()

    async def _until_all_end(self, workers: List[asyncio.Task[None]]) -> None:
        pending = set(workers)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if any(worker.cancelled() or worker.exception() is not None for worker in done):
                # One worker met what ends them all; the others finish what they have at hand.
                self.stop()
        for worker in workers:
            worker.result()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        limit, idle_millis = self._options.limit, self._options.idle_millis
        handled, failures, busy_at = 0, 0, loop.time()
        while not self._is_stopping() and (limit is None or handled < limit):
            idle_left = None if idle_millis is None else idle_millis / 1000 - (loop.time() - busy_at)
            if idle_left is not None and idle_left <= 0:
                return
            asked = loop.time()
            try:
                messages = await self._pop(idle_left)
            except PERMANENT_ERRORS:
                raise
            except QueenError as error:
                failures += 1
                pause = _BACKOFF.wait_before(failures)
                logs.event(logging.WARNING, "ConsumeBuilder.pop", failed=str(error), retryMillis=round(pause * 1000))
                await self._pause(pause if idle_left is None else min(pause, idle_left))
                continue
            failures = 0
            if messages:
                handled += await self._processor.process(messages)
                busy_at = loop.time()
            elif loop.time() - asked < _PAUSE_SECONDS:
                await self._pause(_PAUSE_SECONDS)

    async def _pop(self, idle_left: Optional[float]) -> List[Message]:
        """The next messages; ``[]`` when there are none or the consumer is stopping."""
        options = self._options.pop
        if not options.wait:
            return await self._source.pop(options)
        if idle_left is not None:
            shorter = max(1, min(options.timeout_millis, round(idle_left * 1000)))
            options = attrs.evolve(options, timeout_millis=shorter)
        return await self._unless_stopped(options)

    async def _unless_stopped(self, options: PopOptions) -> List[Message]:
        poll = asyncio.ensure_future(self._source.pop(options))
        stopped = asyncio.ensure_future(self._stopped())
        try:
            await asyncio.wait({poll, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not poll.done():
                await asyncio.wait({poll}, timeout=_LAST_ANSWER_SECONDS)
            if not poll.done():
                return []
            messages = poll.result()
        finally:
            poll.cancel()
            stopped.cancel()
        if self._is_stopping():
            await give_back(messages)
            return []
        return messages

    async def _stopped(self) -> None:
        if self._stop is not None:
            await self._stop.wait()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopped(), seconds)
        except asyncio.TimeoutError:
            return


class RunningConsumers:
    """The consumers of one client, so that closing it can end them."""

    def __init__(self) -> None:
        self._running: Set[_Running] = set()
        self._stopped = False

    async def run(self, consumer: Consumer) -> None:
        """Run a consumer until it ends.

        Raises:
            ClientClosedError: the client is closed, or about to be.
        """
        if self._stopped:
            raise ClientClosedError("consume: the client is closed")
        running = _Running(consumer, asyncio.current_task())
        self._running.add(running)
        try:
            await consumer.run()
        finally:
            self._running.discard(running)

    async def stop(self, seconds: float) -> None:
        """End all consumers and wait until their handlers have finished, at most so many seconds."""
        self._stopped = True
        current = asyncio.current_task()
        ending = set()
        for running in self._running:
            running.consumer.stop()
            if running.task is not None and running.task is not current and not running.consumer.works_in(current):
                ending.add(running.task)
        if ending:
            await asyncio.wait(ending, timeout=seconds)


@attrs.frozen(eq=False)
class _Running:
    consumer: Consumer
    task: Optional[asyncio.Task[object]]
