"""Which buffers are to be flushed: when, and how many at once."""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from typing import Dict, List, Optional, Set, Tuple

from typing_extensions import Final, Protocol

_STALE_ALLOWED: Final = 100


class Flushable(Protocol):
    """A buffer."""

    def wake(self) -> None:
        """See what is to be done now: the time has come that was asked for."""
        ...

    async def send(self) -> None:
        """Send one batch; raises nothing but its cancellation."""
        ...


class FlushQueue:
    """Wakes buffers by one heap and one timer, and lets a bounded number of them send at the same time.

    A buffer that waits holds no task and no timer of its own: ten thousand that come due together are sent by a hundred
    tasks.

    Args:
        at_once: how many may send at the same time. As many as one server has connections: a flush that waited for one
            would use up the time of its request.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._ready: OrderedDict[Flushable, None] = OrderedDict()
        self._workers: Set[asyncio.Task[None]] = set()
        self._times: Dict[Flushable, float] = {}
        # With the times that no longer hold; the number keeps buffers from being compared.
        self._heap: List[Tuple[float, int, Flushable]] = []
        self._number = 0
        self._timer: Optional[asyncio.TimerHandle] = None
        self._idle: Optional[asyncio.Future[None]] = None

    def start(self, buffer: Flushable) -> None:
        """Let a buffer send, behind those that were started before; once, however often this is said."""
        self._ready[buffer] = None
        if len(self._workers) < self._at_once:
            worker = asyncio.ensure_future(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._ended)

    def wake_at(self, buffer: Flushable, when: float) -> None:
        """Wake a buffer at a time of the loop, or earlier: it then says the time again."""
        known = self._times.get(buffer)
        if known is not None and known <= when:
            return
        self._times[buffer] = when
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, buffer))
        self._drop_stale()
        self._set_timer()

    def forget(self, buffer: Flushable) -> None:
        """Do not wake a buffer."""
        if self._times.pop(buffer, None) is not None:
            self._drop_stale()

    async def finish(self, until: float) -> None:
        """Wait until nothing is left to send, or that time of the loop has come; then end all that is under way."""
        loop = asyncio.get_running_loop()
        self._idle = loop.create_future()
        self._tell_if_idle()
        try:
            await asyncio.wait({self._idle}, timeout=max(0.0, until - loop.time()))
        finally:
            self._idle.cancel()
            self._ready.clear()
            self._times.clear()
            self._drop_stale()
            workers = list(self._workers)
            for worker in workers:
                worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        while self._ready:
            buffer, _ = self._ready.popitem(last=False)
            await buffer.send()

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._tell_if_idle()

    def _tell_if_idle(self) -> None:
        if self._idle is None or self._idle.done():
            return
        if not (self._workers or self._ready or self._times):
            self._idle.set_result(None)

    def _drop_stale(self) -> None:
        """Keep the heap in proportion to the buffers that wait: those that are gone must not be held by it."""
        if not self._times:
            self._heap.clear()
            self._stop_timer()
        elif len(self._heap) > 2 * len(self._times) + _STALE_ALLOWED:
            self._heap = [entry for entry in self._heap if self._times.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def _set_timer(self) -> None:
        when = self._heap[0][0]
        if self._timer is not None and self._timer.when() > when:
            self._stop_timer()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(when, self._time_is_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now:
            when, _, buffer = heapq.heappop(self._heap)
            if self._times.get(buffer) == when:
                del self._times[buffer]
                buffer.wake()
        self._drop_stale()
        if self._heap:
            self._set_timer()
        self._tell_if_idle()
