"""One broker: its store, its polls, its routes; and which brokers this process has."""

from __future__ import annotations

import os
import re
import sys
import threading
from pathlib import Path
from typing import Callable, Dict, List, Optional, TypeVar

from typing_extensions import Final, TypeAlias

from queen.broker.app import Application
from queen.broker.clock import Clock, SystemClock
from queen.broker.dialects import DIALECTS, EMBEDDED, Dialect
from queen.broker.http import Asgi
from queen.broker.polls import Polls
from queen.broker.routes.endpoint import Backend
from queen.broker.store.database import Store, Transaction

T = TypeVar("T")
Middleware: TypeAlias = Callable[[Asgi], Asgi]

_FILE_URL: Final = re.compile(r"sqlite:///(.+)")
_MEMORY_URL: Final = re.compile(r"memory://(.*)")


class Broker:
    """A Queen broker inside this process, for all its event loops and threads.

    Attributes:
        app: the ASGI application that serves it.
        dialect: the name of the dialect that it speaks.
    """

    def __init__(
        self,
        path: Optional[str],
        clock: Clock,
        key: Optional[str],
        dialect: Dialect,
        middleware: Optional[Middleware] = None,
    ) -> None:
        self._polls = Polls(clock)
        self._store = Store(path, clock, self._polls.changed)
        self._key = key
        self._holders = 1
        self.dialect: Final = dialect.name
        application = Application(Backend(self._store, self._polls, clock, clock.now()), dialect)
        self.app: Final[Asgi] = application if middleware is None else middleware(application)

    @property
    def parked_polls(self) -> int:
        """How many long polls are waiting."""
        return self._polls.parked

    @property
    def parked_on(self) -> List[Optional[str]]:
        """The queue of each long poll that somebody waits for, None for those of any queue."""
        return self._polls.parked_on

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run a function in one transaction of the database, now and in this thread; polls are woken as by a request.

        Args:
            work: the function, for example one of ``queen.broker.domain``.
        """
        return self._store.transact(work)

    def hold(self) -> Broker:
        """Open it once more; it ends when all who opened it have closed it."""
        self._holders += 1
        return self

    async def close(self) -> None:
        """Give the broker up; when all who opened it have done so, it ends, and a broker in memory is gone."""
        with _lock:
            self._holders -= 1
            if self._holders > 0:
                return
        self.end()

    def end(self) -> None:
        """End it for all who opened it; a broker in memory is gone."""
        with _lock:
            if self._key is not None and _open.get(self._key) is self:
                del _open[self._key]
        self.end_polls()
        self._store.close()

    def end_polls(self) -> None:
        """Answer all parked polls, and hold no more."""
        self._polls.close()


_open: Dict[str, Broker] = {}
_lock = threading.Lock()
if sys.platform != "win32":
    # A database is for one process: a child that went on with its parent's would spoil it.
    os.register_at_fork(after_in_child=_open.clear)


def open_broker(
    url: str,
    *,
    clock: Optional[Clock] = None,
    dialect: Optional[str] = None,
    middleware: Optional[Middleware] = None,
) -> Broker:
    """A broker.

    Args:
        url: ``memory://`` (a broker of its own), ``memory://name`` (one broker for all who name it in this process),
            ``sqlite:///relative.db`` or ``sqlite:////absolute.db`` (one broker for each file in this process).
        clock: the time; the machine's clock if there is none. A broker that is open already keeps its own.
        dialect: ``embedded``, ``0.15`` or ``0.7``. Without one, a broker that is open already keeps its own, and a new
            one is ``embedded``.
        middleware: takes the ASGI application and returns the one that is served in its place. A broker that is open
            already keeps its own.

    Raises:
        ValueError: another URL, an unknown dialect, or another one than that of the broker that is open already.
    """
    key, path = _located(url)
    if dialect is not None and dialect not in DIALECTS:
        raise ValueError(f"dialect={dialect!r} is unknown; accepted are {', '.join(DIALECTS)}")
    with _lock:
        found = _open.get(key) if key is not None else None
        if found is not None:
            if dialect not in (None, found.dialect):
                raise ValueError(f"{url} is open already, in the dialect {found.dialect} and not {dialect}")
            return found.hold()
        broker = Broker(path, clock or SystemClock(), key, DIALECTS[dialect or EMBEDDED], middleware)
        if key is not None:
            _open[key] = broker
        return broker


def _located(url: str) -> tuple[Optional[str], Optional[str]]:
    memory = _MEMORY_URL.fullmatch(url)
    if memory is not None:
        return (url if memory.group(1) else None), None
    file = _FILE_URL.fullmatch(url)
    if file is None:
        raise ValueError(
            f"url={url!r} is no embedded broker; accepted are memory://, memory://name and sqlite:///file.db"
        )
    path = str(Path(file.group(1)).resolve())
    return f"sqlite:{path}", path
