"""What hooks are."""

from __future__ import annotations

from contextlib import nullcontext
from typing import ContextManager

from typing_extensions import Protocol, runtime_checkable

from queen.hooks.events import ClientOpened, Commit, Flush, LeaseLost, Pop, Process, Push, Retry, Settlement


@runtime_checkable
class Hooks(Protocol):
    """Told what a client does. Subclass it, and override what you want to know; nothing is called but that.

    What takes time is a context manager, entered before it begins and left when it has ended: by then the event has its
    ``seconds``, its ``error`` and what came of it. An error passes through the context manager, which cannot hold it
    back. Hooks are called in the event loop, in the task that does the thing: they must not wait.

    A hook that raises is logged to the logger ``queen`` and ignored: it changes nothing of what the client does.

    Example::

        class Counting(Hooks):
            @contextmanager
            def pushing(self, push):
                try:
                    yield
                finally:
                    print(push.queue, len(push.items), push.error)


        Queen("http://localhost:6632", hooks=[Counting()])
    """

    # Each has a body: of a protocol's method without one, mypy says that classes which leave it out are abstract.

    def opened(self, client: ClientOpened) -> None:
        """A client was made."""
        return

    def pushing(self, push: Push) -> ContextManager[object]:
        """Messages are pushed, to a server or into a buffer."""
        return nullcontext()

    def flushing(self, flush: Flush) -> ContextManager[object]:
        """A batch of a buffer is sent."""
        return nullcontext()

    def popping(self, pop: Pop) -> ContextManager[object]:
        """Messages are popped."""
        return nullcontext()

    def processing(self, process: Process) -> ContextManager[object]:
        """A handler is called."""
        return nullcontext()

    def settling(self, settlement: Settlement) -> ContextManager[object]:
        """Acks, nacks or a give-back are sent."""
        return nullcontext()

    def committing(self, commit: Commit) -> ContextManager[object]:
        """A transaction is sent."""
        return nullcontext()

    def retrying(self, retry: Retry) -> None:
        """A request is sent once more."""
        return

    def lease_lost(self, lost: LeaseLost) -> None:
        """A lease could not be renewed."""
        return
