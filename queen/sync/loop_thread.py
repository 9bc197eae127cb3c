"""A thread that runs an event loop, for as long as somebody uses it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import weakref
from typing import Callable, Optional

from typing_extensions import Final, Protocol

from queen.waiting import end_tasks

# What a loop does at its end takes a moment; a hook that never returns would take for ever.
_ENDING_SECONDS: Final = 5


class Client(Protocol):
    """What works in the loop."""

    @property
    def embedded(self) -> bool:
        """Whether it is of an embedded broker."""
        ...

    def lose(self) -> None:
        """Tell what is lost, since the loop has ended."""
        ...


class LoopThread:
    """An event loop in a daemon thread, so that a program which never closes its client can end.

    Attributes:
        process: the process that it is in.
        loop: the loop.
        clients: what works in it.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self.loop = asyncio.new_event_loop()
        self.clients: weakref.WeakSet[Client] = weakref.WeakSet()
        self._users = 1
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=_run, args=(self.loop,), name="queen-sync", daemon=True)
        self._thread.start()

    def post(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function in the loop; in the context of the caller, as a task that it would start."""
        self.loop.call_soon_threadsafe(function, *arguments)

    def is_current(self) -> bool:
        """Whether this is the thread of the loop."""
        return threading.current_thread() is self._thread

    def hold(self) -> bool:
        """Use it too; False where it ends already, or is that of a parent process."""
        if self.process != os.getpid():
            return False
        with self._lock:
            if self._users == 0:
                return False
            self._users += 1
            return True

    def release(self) -> None:
        """Use it no more; it ends with its last user, and has ended when this returns."""
        if self.process != os.getpid():
            return
        with self._lock:
            self._users -= 1
            if self._users:
                return
        self.post(self.loop.stop)
        # A garbage collection may come in any thread, that of the loop too.
        if not self.is_current():
            self._thread.join(_ENDING_SECONDS)
            for client in list(self.clients):
                client.lose()


class _Shared:
    """The thread of all clients of embedded brokers, if there is one."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.lock = threading.Lock()
        self.thread: Optional[LoopThread] = None


_shared = _Shared()
if sys.platform != "win32":
    # The thread stays with the parent, and so does whoever held the lock.
    os.register_at_fork(after_in_child=_shared.forget)


def shared_thread() -> LoopThread:
    """The one thread of all clients of embedded brokers: a broker works in one event loop at a time."""
    with _shared.lock:
        thread = _shared.thread
        if thread is None or not thread.hold():
            thread = _shared.thread = LoopThread()
        return thread


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        while not _ran(loop):
            pass
        loop.run_until_complete(end_tasks(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _ran(loop: asyncio.AbstractEventLoop) -> bool:
    """Run a loop until it is stopped; False when something would leave the program, which its task tells the caller."""
    try:
        loop.run_forever()
    except (KeyboardInterrupt, SystemExit):
        return False
    return True
