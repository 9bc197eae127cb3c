"""Where a client lives: the event loop and the process of its first call, whose sockets, timers and locks it holds."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Optional

from queen.errors import WrongEventLoopError


class Home:
    """The event loop and the process that a client belongs to from its first call on.

    Args:
        movable: whether a client that was not used yet may be taken into a child process: there is nothing open.
    """

    __slots__ = ("_lock", "_loop", "_process", "movable")

    def __init__(self, *, movable: bool) -> None:
        self.movable = movable
        self._process = os.getpid()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        # Two threads may make the first call.
        self._lock = threading.Lock()

    def check(self, operation: str) -> None:
        """Refuse a call from anywhere else; the first call makes where it is the home.

        Args:
            operation: what was called, for the error.

        Raises:
            WrongEventLoopError: this is another event loop, or a process that was forked from the client's.
        """
        try:
            # 0.06 us. A loop cannot be in two processes: a child runs none when it is born.
            if asyncio.get_running_loop() is self._loop:
                return
        except RuntimeError:
            if self.in_this_process():
                raise
        self._enter(operation)

    def in_this_process(self) -> bool:
        """Whether this is the process that the client belongs to, and not a child of it."""
        return self._process == os.getpid()

    def is_over(self) -> bool:
        """Whether the client's loop was closed, so that nobody can use or close it properly any more."""
        return self._loop is not None and self._loop.is_closed()

    def is_here(self) -> bool:
        """Whether the running loop is the client's, or it has none yet and may have this one."""
        if not self.in_this_process():
            return False
        return self._loop is None or self._loop is asyncio.get_running_loop()

    def error(self, operation: str) -> WrongEventLoopError:
        """What is wrong with a call from here."""
        if not self.in_this_process():
            return WrongEventLoopError(
                f"{operation}: this client was opened in the process {self._process}, from which this one was forked, "
                "and its connections are that process's; make a new Queen here",
                operation=operation,
            )
        return WrongEventLoopError(
            f"{operation}: this client was used in another event loop first, which has its connections, and which "
            f"{'is closed' if self.is_over() else 'is still there'}; make one Queen in each event loop, and close it "
            "there (async with Queen(...))",
            operation=operation,
        )

    def _enter(self, operation: str) -> None:
        with self._lock:
            if self._loop is None and (self.movable or self.in_this_process()):
                self._loop = asyncio.get_running_loop()
                self._process = os.getpid()
                return
        raise self.error(operation)
