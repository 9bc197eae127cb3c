"""The consume loop: workers that pop and process until they are to end."""

from __future__ import annotations

import asyncio
import logging
from typing import List, Optional

import attrs
from typing_extensions import Final

from queen import logs
from queen.consuming.ending import Ending
from queen.consuming.handlers import Callbacks, Handler
from queen.consuming.lease_keeper import LeaseKeeper
from queen.consuming.options import ConsumeOptions
from queen.consuming.processing import Processor, give_back
from queen.consuming.progress import Progress
from queen.errors import QueenError, is_permanent
from queen.message import Message
from queen.operations.source import Source
from queen.transport.retry import RetryPolicy
from queen.transport.transport import Transport

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

    Attributes:
        progress: what it has done so far.
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
        self.progress: Final = Progress()
        self._source = source
        self._options = options
        self._ending = Ending(signal)
        self._workers: List[asyncio.Task[None]] = []
        keeper = LeaseKeeper(transport, options.renew_millis, callbacks.on_lease_lost)
        self._processor = Processor(options, handler, callbacks, keeper, self._ending, self.progress, transport.hooks)

    async def run(self) -> None:
        """Consume until the end.

        Raises:
            AuthenticationError, PermissionDeniedError, UnsupportedByServerError: the server will refuse for ever;
                other failures of a pop are logged, and the loop goes on after a pause.
            QueenError: the idle time has passed, and all its pops had failed.
            ClientClosedError: the client was closed before.
        """
        async with self._ending:
            self._workers = [asyncio.ensure_future(self._work()) for _ in range(self._options.concurrency)]
            try:
                await self._until_all_end(self._workers)
            finally:
                for worker in self._workers:
                    worker.cancel()
                await asyncio.gather(*self._workers, return_exceptions=True)

    def stop(self) -> None:
        """End the workers as the signal does."""
        self._ending.begin()

    def works_in(self, task: Optional[asyncio.Task[object]]) -> bool:
        """Whether a task is one of the workers: a handler that closes its client must not wait for itself."""
        return task in self._workers

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
        failure: Optional[QueenError] = None
        answered = False
        while not self._ending.begun and (limit is None or handled < limit):
            idle_left = None if idle_millis is None else idle_millis / 1000 - (loop.time() - busy_at)
            if idle_left is not None and idle_left <= 0:
                if failure is not None and not answered:
                    # No pop was answered all the time: nobody knows whether there were messages.
                    raise failure
                return
            asked = loop.time()
            try:
                messages = await self._pop(idle_left)
            except QueenError as error:
                if is_permanent(error):
                    raise
                failure = self.progress.last_error = error
                failures += 1
                pause = _BACKOFF.wait_before(failures)
                logs.event(logging.WARNING, "ConsumeBuilder.pop", failed=str(error), retryMillis=round(pause * 1000))
                await self._ending.pause(pause if idle_left is None else min(pause, idle_left))
                continue
            failures, answered = 0, True
            self.progress.polled()
            if messages:
                handled += await self._processor.process(messages)
                busy_at, answered = loop.time(), False
            elif loop.time() - asked < _PAUSE_SECONDS:
                await self._ending.pause(_PAUSE_SECONDS)

    async def _pop(self, idle_left: Optional[float]) -> List[Message]:
        """The next messages; ``[]`` when there are none or the consumer is stopping."""
        options = self._options.pop
        if options.wait and idle_left is not None:
            shorter = max(1, min(options.timeout_millis, round(idle_left * 1000)))
            options = attrs.evolve(options, timeout_millis=shorter)
        messages = await self._ending.answer(self._source.pop(options))
        if messages is None:
            return []
        if self._ending.begun:
            await give_back(messages)
            return []
        payloads = self._options.payloads
        return messages if payloads is None else payloads.messages(messages)
