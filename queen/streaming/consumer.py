"""Consuming the windows of a stream."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any, Awaitable, Callable, Coroutine, List, Optional, Union

from typing_extensions import Final

from queen import logs, validation
from queen.callbacks import MaybeAwaitable, call, check_callable
from queen.consuming.ending import Ending, check_signal
from queen.consuming.lease_keeper import renew_until_lost
from queen.consuming.running import RunningConsumers
from queen.errors import QueenError, ServerRefusedError, is_permanent
from queen.operations import streams
from queen.operations.streams import WindowSource
from queen.streaming.turns import Turns
from queen.streaming.window import Window
from queen.transport.retry import RetryPolicy
from queen.transport.transport import Transport
from queen.types import WindowResponse
from queen.waiting import beside

WindowCallback = Callable[[Window], MaybeAwaitable[object]]

# A renewal that fails twice must not lose the lease.
_RENEWALS_PER_LEASE: Final = 3
# Between two polls that the server does not hold.
_PAUSE_SECONDS: Final = 0.1
_BACKOFF: Final = RetryPolicy(attempts=0, delay=1.0)


class StreamConsumer:
    """One consumer group of a windowed stream: ``await consumer.process(callback)``.

    Args:
        transport: sends.
        running: the consumers of the client.
        turns: lets one poll wait at a time.
        source: the stream and the group.
    """

    def __init__(self, transport: Transport, running: RunningConsumers, turns: Turns, source: WindowSource) -> None:
        self._transport = transport
        self._running = running
        self._turns = turns
        self._source = source
        self._processing: List[_Processing] = []

    def process(self, callback: WindowCallback, *, signal: Optional[asyncio.Event] = None) -> Coroutine[Any, Any, None]:
        """Hand the windows of the stream to a function, one after the other, until it is stopped.

        The lease of a window is renewed while the function runs. When it returns, the group goes on to the next
        window; when it raises, the window is given back, and comes again after a pause that grows with each failure.

        Args:
            callback: takes a ``Window``; sync or async.
            signal: ends processing when it is set: the window at hand is finished and settled.

        Raises:
            TypeError: the callback is no function of one argument.
            ServerRefusedError: there is no such stream.
            UnsupportedByServerError: the server has no windowed streams (0.15).
            AuthenticationError, PermissionDeniedError, ClientClosedError: no repeat would help; other failures are
                logged, and processing goes on after a pause.
        """
        check_callable("callback", callback, 1)
        check_signal(signal)
        processing = _Processing(self._transport, self._turns, self._source, callback, signal)
        # From now on it can be stopped, also before it is awaited.
        self._processing.append(processing)
        return self._run(processing)

    def stop(self) -> None:
        """End processing: the window at hand is finished and settled, and ``process`` returns."""
        for processing in self._processing:
            processing.stop()

    async def _run(self, processing: _Processing) -> None:
        try:
            await self._running.run(processing)
        finally:
            self._processing.remove(processing)

    async def seek(self, timestamp: Union[str, datetime]) -> None:
        """Let the group go on from a time: its next window starts exactly there.

        Args:
            timestamp: an ISO 8601 time stamp, an aware datetime, or ``"-infinity"`` to start over.

        Raises:
            ValueError: the stream is partitioned, which no server moves; or no time.
            QueenError: the group was not moved.
        """
        moment = "-infinity" if timestamp == "-infinity" else validation.instant("timestamp", timestamp)
        await streams.seek_stream(self._transport, self._source, moment)


class _Processing:
    """One run of ``process``."""

    def __init__(
        self,
        transport: Transport,
        turns: Turns,
        source: WindowSource,
        callback: WindowCallback,
        signal: Optional[asyncio.Event],
    ) -> None:
        self._transport = transport
        self._turns = turns
        self._source = source
        self._callback = callback
        self._ending = Ending(signal)
        self._task: Optional[asyncio.Task[object]] = None
        self._lease_millis = 0
        self._failed_polls = 0
        self._failed_callbacks = 0

    async def run(self) -> None:
        self._task = asyncio.current_task()
        async with self._ending:
            while not self._ending.begun:
                await self._next()

    def stop(self) -> None:
        self._ending.begin()

    def works_in(self, task: Optional[asyncio.Task[object]]) -> bool:
        return task is self._task

    async def _next(self) -> None:
        asked = asyncio.get_running_loop().time()
        try:
            window = await self._poll()
        except QueenError as error:
            if is_permanent(error) or (isinstance(error, ServerRefusedError) and streams.NO_STREAM in error.words):
                raise
            self._failed_polls += 1
            await self._back_off("poll", error, self._failed_polls)
            return
        self._failed_polls = 0
        if window is not None and self._ending.begun:
            await self._settle(window, success=False)
        elif window is not None:
            await self._process(window)
        elif asyncio.get_running_loop().time() - asked < _PAUSE_SECONDS:
            await self._ending.pause(_PAUSE_SECONDS)

    async def _poll(self) -> Optional[Window]:
        if not self._lease_millis:
            self._lease_millis = (await streams.stream_settings(self._transport, self._source.stream)).lease_millis
        return await self._ending.answer(self._wait_for_window())

    async def _wait_for_window(self) -> Optional[Window]:
        async with self._turns.turn(self._source):
            return await streams.poll_window(self._transport, self._source, Window)

    async def _process(self, window: Window) -> None:
        try:
            async with beside([self._keep_lease(window)]):
                await call(self._callback, window)
        except Exception as error:  # noqa: BLE001  (whatever a callback raises is a failure of its window)
            logs.event(logging.WARNING, "StreamConsumer.callback", error, window=window.id)
            await self._settle(window, success=False)
            self._failed_callbacks += 1
            await self._back_off("callback", error, self._failed_callbacks)
            return
        self._failed_callbacks = 0
        await self._settle(window, success=True)

    async def _settle(self, window: Window, *, success: bool) -> None:
        try:
            result = await streams.settle_window(self._transport, self._source, window.lease_id, success=success)
        except QueenError as error:
            if is_permanent(error):
                raise
            # The window comes again when its lease runs out.
            logs.event(logging.ERROR, "StreamConsumer.ack", window=window.id, failed=str(error))
        else:
            if not result["success"]:
                logs.event(logging.WARNING, "StreamConsumer.ack", window=window.id, refused=result["error"])

    async def _back_off(self, what: str, error: Exception, failures: int) -> None:
        pause = _BACKOFF.wait_before(failures)
        failed = f"{type(error).__name__}: {error}"
        logs.event(logging.WARNING, f"StreamConsumer.{what}", failed=failed, retryMillis=round(pause * 1000))
        await self._ending.pause(pause)

    async def _keep_lease(self, window: Window) -> None:
        def renew() -> Awaitable[WindowResponse]:
            return streams.renew_window(self._transport, self._source, window.lease_id, self._lease_millis)

        def failed(error: QueenError) -> None:
            logs.event(logging.WARNING, "StreamConsumer.renew", window=window.id, failed=str(error))

        seconds = self._lease_millis / 1000
        reason = await renew_until_lost(renew, seconds / _RENEWALS_PER_LEASE, seconds, failed)
        window.lease_lost = True
        logs.event(logging.WARNING, "StreamConsumer.renew", window=window.id, lost=reason)
