"""What users' functions run in, so that the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Callable, List, Optional, Tuple

from typing_extensions import Protocol

from queen.waiting import waited_for_by

if TYPE_CHECKING:
    # Python 3.8 subscripts it for type checkers only.
    _Inbox = SimpleQueue[Optional[Callable[[], None]]]

_Outcome = Tuple[object, Optional[Exception]]


class Job:
    """One call of a user's function, which the running task waits for.

    Args:
        function: what is called.
        arguments: with what.
        escape: told of what is no ``Exception`` (``KeyboardInterrupt``, ``SystemExit``); whether the caller will raise
            it.
    """

    def __init__(
        self,
        function: Callable[..., object],
        arguments: Tuple[object, ...],
        escape: Callable[[BaseException], bool],
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._escape = escape
        self._loop = asyncio.get_running_loop()
        # What the task knows of its surroundings, such as its span, holds in the function too.
        self._context = contextvars.copy_context()
        self._context.run(waited_for_by, asyncio.current_task())
        self._outcome: asyncio.Future[_Outcome] = self._loop.create_future()

    async def outcome(self) -> object:
        """What the function returns; what it raises is raised here."""
        result, error = await self._outcome
        if error is not None:
            raise error
        return result

    @property
    def is_wanted(self) -> bool:
        """Whether somebody still waits for it."""
        return not self._outcome.done()

    def run(self, done: Callable[[], object]) -> None:
        """Make the call, in whatever thread this is; ``done`` is then called in the loop."""
        outcome: Optional[_Outcome] = None
        try:
            if self.is_wanted:
                outcome = (self._context.run(self._function, *self._arguments), None)
        except Exception as error:  # noqa: BLE001  (it is the task's, which waits for it)
            outcome = (None, error)
        except BaseException as error:  # noqa: BLE001  (it is the caller's, if there is one)
            if not self._escape(error):
                outcome = (None, RuntimeError(f"a callback raised {error!r}"))
        try:
            self._loop.call_soon_threadsafe(self._finish, outcome, done)
        except RuntimeError:
            # The client was closed meanwhile, and nobody waits any more.
            if not self._loop.is_closed():
                raise

    def _finish(self, outcome: Optional[_Outcome], done: Callable[[], object]) -> None:
        done()
        if outcome is not None and self.is_wanted:
            self._outcome.set_result(outcome)


class Runner(Protocol):
    """Runs jobs."""

    def take(self, job: Job) -> None:
        """Run a job in a thread that is free; called in the event loop."""
        ...


class Threads(Runner):
    """As many threads as there are jobs at a time, kept until the end: a thread may hold a connection to a database."""

    def __init__(self) -> None:
        self._all: List[_Inbox] = []
        self._free: List[_Inbox] = []

    def take(self, job: Job) -> None:
        """Run a job in a thread that is free, or in a new one."""
        if self._free:
            inbox = self._free.pop()
        else:
            inbox = SimpleQueue()
            self._all.append(inbox)
            threading.Thread(target=_serve, args=(inbox,), name="queen-sync-worker", daemon=True).start()
        inbox.put(lambda: job.run(lambda: self._free.append(inbox)))

    def end(self) -> None:
        """Let the threads end, those that work when they have done so."""
        for inbox in self._all:
            inbox.put(None)
        self._all.clear()
        self._free.clear()


def _serve(inbox: _Inbox) -> None:
    while True:
        work = inbox.get()
        if work is None:
            return
        work()
        # What it holds may be the last thing that holds the client.
        del work
