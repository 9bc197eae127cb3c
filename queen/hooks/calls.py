"""Calls hooks, so that nothing they do changes what the client does."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Callable, ContextManager, Generic, List, Optional, Sequence, Tuple, Type, TypeVar

from queen import logs
from queen.hooks.events import ClientOpened, Commit, Event, Flush, LeaseLost, Pop, Process, Push, Retry, Settlement
from queen.hooks.protocol import Hooks

E = TypeVar("E", bound=Event)
F = TypeVar("F")

_Managers = Sequence[Callable[[E], ContextManager[object]]]


class HookCalls:
    """The hooks of one client.

    Args:
        hooks: the hooks, in the order in which they are called.
        servers: the URLs of the client's servers.
    """

    def __init__(self, hooks: Sequence[Hooks], servers: Tuple[str, ...]) -> None:
        self.servers = servers
        # Only what a hook overrides is called.
        self._opened = [hook.opened for hook in hooks if _overrides(hook, "opened")]
        self._pushing = [hook.pushing for hook in hooks if _overrides(hook, "pushing")]
        self._flushing = [hook.flushing for hook in hooks if _overrides(hook, "flushing")]
        self._popping = [hook.popping for hook in hooks if _overrides(hook, "popping")]
        self._processing = [hook.processing for hook in hooks if _overrides(hook, "processing")]
        self._settling = [hook.settling for hook in hooks if _overrides(hook, "settling")]
        self._committing = [hook.committing for hook in hooks if _overrides(hook, "committing")]
        self._retrying = [hook.retrying for hook in hooks if _overrides(hook, "retrying")]
        self._lease_lost = [hook.lease_lost for hook in hooks if _overrides(hook, "lease_lost")]

    def opened(self, client: ClientOpened) -> None:
        """Tell of a client."""
        _tell(self._opened, client)

    def pushing(self, push: Push) -> Around[Push]:
        """What a push runs in."""
        return Around(self._pushing, push)

    def flushing(self, flush: Flush) -> Around[Flush]:
        """What a flush runs in."""
        return Around(self._flushing, flush)

    def popping(self, pop: Pop) -> Around[Pop]:
        """What a pop runs in."""
        return Around(self._popping, pop)

    def processing(self, process: Process) -> Around[Process]:
        """What a handler runs in."""
        return Around(self._processing, process)

    def settling(self, settlement: Settlement) -> Around[Settlement]:
        """What the sending of acks runs in."""
        return Around(self._settling, settlement)

    def committing(self, commit: Commit) -> Around[Commit]:
        """What a transaction runs in."""
        return Around(self._committing, commit)

    def retrying(self, retry: Retry) -> None:
        """Tell of a repeat."""
        _tell(self._retrying, retry)

    def lease_lost(self, lost: LeaseLost) -> None:
        """Tell of a lost lease."""
        _tell(self._lease_lost, lost)


class Around(Generic[E]):
    """The context managers of all hooks for one event, as one that raises no ``Exception`` and holds no error back.

    What is no ``Exception``, a cancellation for example, passes when all that were entered have been left.
    """

    __slots__ = ("_entered", "_event", "_managers", "_started")

    def __init__(self, managers: _Managers[E], event: E) -> None:
        self._managers = managers
        self._event = event
        self._entered: List[Tuple[object, ContextManager[object]]] = []
        self._started = time.perf_counter()

    def __enter__(self) -> E:
        try:
            for manager in self._managers:
                try:
                    entered = manager(self._event)
                    entered.__enter__()
                except Exception as error:  # noqa: BLE001  (whatever a hook raises is none of the client's business)
                    _ignore(manager, error)
                else:
                    self._entered.append((manager, entered))
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        self._started = time.perf_counter()
        return self._event

    def __exit__(
        self,
        error_type: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._event.seconds = time.perf_counter() - self._started
        self._event.error = error
        passing: Optional[BaseException] = None
        for manager, entered in reversed(self._entered):
            try:
                entered.__exit__(error_type, error, traceback)
            except Exception as raised:  # noqa: BLE001  (as above)
                if raised is not error:
                    _ignore(manager, raised)
            except BaseException as raised:  # noqa: BLE001  (raised below)
                if raised is not error:
                    passing = raised
        if passing is not None:
            raise passing


def _tell(functions: Sequence[Callable[[F], None]], fact: F) -> None:
    for function in functions:
        try:
            function(fact)
        except Exception as error:  # noqa: BLE001  (whatever a hook raises is none of the client's business)
            _ignore(function, error)


def _ignore(hook: object, error: Exception) -> None:
    name = getattr(hook, "__qualname__", type(hook).__qualname__)
    logs.event(logging.ERROR, "Hooks", error, hook=name, ignored=type(error).__name__)


def _overrides(hook: Hooks, name: str) -> bool:
    return getattr(type(hook), name, None) is not getattr(Hooks, name) or name in getattr(hook, "__dict__", ())
