"""From the threads of the callers into the event loop in which a client works."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import Any, Callable, Coroutine, Optional, Set, TypeVar

from typing_extensions import override

from queen.errors import ClientClosedError, WrongEventLoopError
from queen.message import Message as AsyncMessage
from queen.sync.call import Call
from queen.sync.loop_thread import Client, LoopThread, shared_thread
from queen.sync.threads import Threads

T = TypeVar("T")


class Portal:
    """Runs the coroutines of one client in the thread of an event loop, which the first call starts.

    Args:
        message: makes the message that a user's function gets out of that of the async client.

    Attributes:
        threads: run the functions of users whose caller has gone on.
        client: the async client; None for none.
    """

    def __init__(self, message: Callable[[Portal, AsyncMessage], object]) -> None:
        self._message = message
        self._thread: Optional[LoopThread] = None
        self._lock = threading.Lock()
        self._calls: Set[Call] = set()
        self._is_closed = False
        self._detach: Optional[Callable[[], object]] = None
        self.threads = Threads()
        self.client: Optional[Client] = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, and return its result or raise its error.

        Raises:
            ClientClosedError: the client is closed.
            WrongEventLoopError: this is the thread of the loop itself, or a process that was forked from the client's.
        """
        return Call(self).run(work)

    def ask(self, function: Callable[[], T]) -> T:
        """Call a function in the loop, or here where no loop is beside; return its result or raise its error."""
        thread = self._thread
        if thread is None or self._is_closed or thread.process != os.getpid() or thread.is_current():
            return function()

        async def asked() -> T:
            return function()

        return self.run(asked())

    def close(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what closes the client, and end.

        Interrupted, it may be said again.
        """
        thread = self._thread
        if self._is_closed:
            work.close()
        elif thread is not None and thread.process != os.getpid():
            at_once(work)
        else:
            try:
                self.run(work)
            except Exception:
                self._end()
                raise
            self._end()

    def abandon(self) -> None:
        """End without closing the client, at the end of the program."""
        with self._lock:
            self._is_closed = True
        self._finish()

    def begin(self, call: Call, work: Coroutine[Any, Any, T]) -> None:
        """Start a call.

        Raises:
            ClientClosedError, WrongEventLoopError: as ``run``.
        """
        try:
            self._check(_named(work))
            with self._lock:
                self._started(_named(work)).post(self._begin, call, work)
        except BaseException:
            # Otherwise it would warn that it was never awaited.
            work.close()
            raise

    def post(self, function: Callable[[], None]) -> None:
        """Call a function in the loop, if it is still there."""
        if self._thread is None or self._thread.process != os.getpid():
            return
        with self._lock:
            if not self._is_closed:
                self._thread.post(function)

    def forget(self, call: Call) -> None:
        """Note that a call has ended; called in the loop."""
        self._calls.discard(call)

    def translated(self, given: object) -> object:
        """What a user's function is called with, out of what the async client calls with."""
        if isinstance(given, AsyncMessage):
            return self._message(self, given)
        if isinstance(given, list):
            return [self._message(self, item) if isinstance(item, AsyncMessage) else item for item in given]
        return given

    def _check(self, operation: str) -> None:
        """Refuse a call from where it cannot be made; before the lock, which a parent's thread may hold for ever."""
        thread = self._thread
        if thread is None:
            return
        if thread.process != os.getpid():
            raise WrongEventLoopError(
                f"{operation}: this client was used in the process {thread.process}, from which this one was forked, "
                "and its connections are that process's; make a new Queen here",
                operation=operation,
            )
        if thread.is_current():
            raise WrongEventLoopError(
                f"{operation}: this is the thread of the client's own event loop, which cannot wait for itself; hooks "
                "do without the client, or hand their work to another thread",
                operation=operation,
            )

    def _started(self, operation: str) -> LoopThread:
        if self._is_closed:
            raise ClientClosedError(f"{operation}: the client is closed")
        thread = self._thread
        if thread is None:
            client = self.client
            thread = self._thread = shared_thread() if client is not None and client.embedded else LoopThread()
            if client is not None:
                thread.clients.add(client)
            # For when nobody has the client any more; it may never be closed.
            finalizer = weakref.finalize(self, _finish, thread, self.threads, self._calls)
            finalizer.atexit = False
            self._detach = finalizer.detach
            _open.add(self)
        return thread

    def _begin(self, call: Call, work: Coroutine[Any, Any, T]) -> None:
        self._calls.add(call)
        call.begin(work)

    def _end(self) -> None:
        with self._lock:
            if self._is_closed or self._thread is None:
                return
            self._is_closed = True
            self._thread.post(self._end_calls)
        self._finish()

    def _finish(self) -> None:
        # The finalizer is not called: at the end of a program it would do nothing any more.
        if self._thread is not None and self._detach is not None and self._detach() is not None:
            _finish(self._thread, self.threads, self._calls)

    def _end_calls(self) -> None:
        for call in list(self._calls):
            call.cancel()
            call.end()


class NoPortal(Portal):
    """What a message acts through that was not popped by a client: nothing is sent for it."""

    def __init__(self) -> None:
        super().__init__(lambda _, message: message)

    @override
    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return at_once(work)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError(f"{_named(work)} waits for something, and there is no event loop")


_open: weakref.WeakSet[Portal] = weakref.WeakSet()


# From here on, so that it comes after what a program registers for its own end: that may still close its client.
@atexit.register
def _abandon_all() -> None:
    for portal in list(_open):
        portal.abandon()


def _finish(thread: LoopThread, threads: Threads, calls: Set[Call]) -> None:
    if thread.process == os.getpid():
        thread.post(_end_quietly, threads, calls)
        thread.release()


def _end_quietly(threads: Threads, calls: Set[Call]) -> None:
    threads.end()
    # The program ends, and these are of threads that end with it: nobody is there to catch their errors.
    for call in calls:
        call.leave()


def _named(work: object) -> str:
    return str(getattr(work, "__name__", type(work).__name__))
