"""How a command runs until it ends, or until somebody ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
from typing import Any, Coroutine, Iterator, Optional

from queen.cli.exits import Exit


def run_until_end(command: Coroutine[Any, Any, int]) -> int:
    """Run a command in an event loop of its own.

    Ctrl-C and SIGTERM cancel it, so that it can give back what it has. A second Ctrl-C does not wait for that.

    Returns:
        its exit code; that of SIGTERM where it was ended so.

    Raises:
        KeyboardInterrupt: it was ended by Ctrl-C.
    """
    return asyncio.run(_until_terminated(command))


@contextlib.contextmanager
def ended_by_closed_pipe() -> Iterator[None]:
    """Within this, a command that waits ends as soon as nobody reads its output any more.

    Raises:
        BrokenPipeError: nobody does.
    """
    output = _pipe()
    if output is None:
        yield
        return
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    closed = False

    def end() -> None:
        nonlocal closed
        closed = True
        loop.remove_reader(output)
        task.cancel()

    loop.add_reader(output, end)
    try:
        yield
    except asyncio.CancelledError:
        if not closed:
            raise
        raise BrokenPipeError from None
    finally:
        loop.remove_reader(output)


async def _until_terminated(command: Coroutine[Any, Any, int]) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    terminated = False

    def end() -> None:
        nonlocal terminated
        terminated = True
        task.cancel()

    # Event loops of Windows have no signals.
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, end)
    try:
        return await command
    except asyncio.CancelledError:
        if not terminated:
            raise
        return Exit.TERMINATED


def _pipe() -> Optional[int]:
    """The descriptor of standard output where it is a pipe that can be watched."""
    try:
        descriptor = sys.stdout.fileno()
        is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, ValueError):
        return None
    return descriptor if is_pipe and sys.platform != "win32" else None
