"""One call of the client: its work is in the event loop, and the caller waits for it."""

from __future__ import annotations

import asyncio
import os
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Mapping, Optional, TypeVar, Union, overload

from typing_extensions import Final, override

from queen.builders.operation import Operation
from queen.errors import ClientClosedError
from queen.sync.functions import UserCoroutine, UserFunction, in_thread
from queen.sync.signals import Signal, SignalFromThread
from queen.sync.threads import Job, Runner, Threads

if TYPE_CHECKING:
    from queen.sync.portal import Portal

T = TypeVar("T")

# Ctrl-C does not interrupt a wait on Windows, only what comes after it.
_WAIT_SECONDS: Final = 0.1 if os.name == "nt" else None


class Call(Runner):
    """Runs a coroutine in the loop, and the functions that were given to it in the thread of the caller.

    A function whose turn comes while another is running there runs in a thread beside it; so does one whose turn comes
    when the caller has gone on, as a callback of a buffered push.

    Args:
        portal: where the loop is.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        # For the thread of the caller: what it is to run, what it is to raise, and None at the end.
        self._inbox: SimpleQueue[Union[Job, BaseException, None]] = SimpleQueue()
        self._task: Optional[asyncio.Task[Any]] = None
        self._is_over = False
        self._is_left = False
        self._is_busy = False
        self._beside = Threads()

    @overload
    def function(self, argument: str, function: None) -> None: ...

    @overload
    def function(self, argument: str, function: UserFunction) -> UserCoroutine: ...

    def function(self, argument: str, function: Optional[UserFunction]) -> Optional[UserCoroutine]:
        """A user's function as the async client takes it.

        Raises:
            TypeError: it is async.
        """
        if function is None:
            return None
        return in_thread(argument, function, self, self._escape, self._portal.translated)

    def signal(self, signal: Optional[Signal]) -> Optional[asyncio.Event]:
        """A user's signal as the async client takes it.

        Raises:
            TypeError: it is none.
        """
        return None if signal is None else SignalFromThread(signal)

    def run_with(self, operation: Operation[T], **callbacks: Optional[UserFunction]) -> T:
        """Do what can be told of callbacks, and wait until it is done.

        Args:
            operation: what to do.
            callbacks: its methods that take a callback, with what was given for them.

        Raises:
            TypeError: a callback that cannot be called so.
        """
        self._tell(operation, callbacks)
        return self.run(operation)

    def begin_with(self, operation: Operation[Any], begin: Callable[[], T], **callbacks: Optional[UserFunction]) -> T:
        """Begin what can be told of callbacks, and do not wait for its end.

        Args:
            operation: what to begin.
            begin: begins it; called in the loop.
            callbacks: as in ``run_with``.

        Raises:
            TypeError: a callback that cannot be called so.
        """

        async def begun() -> T:
            return begin()

        self._tell(operation, callbacks)
        try:
            return self.run(begun())
        except BaseException:
            operation.close()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it, and wait until it is done.

        What interrupts the caller, Ctrl-C above all, cancels the work and is raised at once.
        """
        try:
            self._portal.begin(self, work)
            self._serve()
        except BaseException:
            self._portal.post(self.leave)
            raise
        result: T = self._result()
        return result

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Start the work; called in the loop."""
        self._task = asyncio.get_running_loop().create_task(work)
        self._task.add_done_callback(self._done)

    def cancel(self) -> None:
        """End the work, since the client is closed; called in the loop."""
        if self._task is not None:
            self._task.cancel()

    def leave(self) -> None:
        """End the work without telling the caller, who does not wait any more; called in the loop."""
        self._is_left = True
        if self._is_over:
            self._hand_over()
        else:
            self.cancel()

    def end(self) -> None:
        """Let the caller go; called in the loop."""
        if self._is_over:
            return
        self._is_over = True
        self._portal.forget(self)
        self._beside.end()
        if self._is_left:
            self._hand_over()
        else:
            self._inbox.put(None)

    @override
    def take(self, job: Job) -> None:
        if self._is_over:
            self._portal.threads.take(job)
        elif self._is_busy:
            self._beside.take(job)
        else:
            self._is_busy = True
            self._inbox.put(job)

    def _tell(self, operation: Operation[Any], callbacks: Mapping[str, Optional[UserFunction]]) -> None:
        try:
            for name, callback in callbacks.items():
                if callback is not None:
                    getattr(operation, name)(self.function(name, callback))
        except BaseException:
            # Otherwise it would warn that it was never awaited.
            operation.close()
            raise

    def _done(self, task: asyncio.Task[Any]) -> None:
        if self._is_over or self._is_left:
            # Nobody asks for its error any more, and asyncio would say so.
            _ = task.cancelled() or task.exception()
        self.end()

    def _serve(self) -> None:
        while True:
            try:
                item = self._inbox.get(timeout=_WAIT_SECONDS)
            except Empty:
                continue
            if item is None:
                return
            if isinstance(item, Job):
                item.run(self._is_free)
            else:
                raise item

    def _is_free(self) -> None:
        self._is_busy = False

    def _escape(self, error: BaseException) -> bool:
        self._inbox.put(error)
        return not self._is_over

    def _hand_over(self) -> None:
        """Let others run what the caller has not begun, and somebody waits for."""
        while True:
            try:
                item = self._inbox.get_nowait()
            except Empty:
                return
            if isinstance(item, Job) and item.is_wanted:
                self._portal.threads.take(item)

    def _result(self) -> Any:
        task, self._task = self._task, None
        if task is None or not task.done() or task.cancelled():
            raise ClientClosedError("the client was closed")
        error = task.exception()
        if error is None:
            return task.result()
        try:
            raise error
        finally:
            # The error has this frame, and the frame would have the error.
            del error, task
