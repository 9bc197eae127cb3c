"""Reading standard input without holding up the end of the program."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import sys
import threading
from pathlib import Path
from typing import Callable, TypeVar

from typing_extensions import Final

T = TypeVar("T")

_CHUNK: Final = 256 * 1024


async def read_some(descriptor: int) -> bytes:
    """What there is to read, as soon as there is some; nothing at the end.

    Raises:
        OSError: it cannot be read.
    """
    # Not through sys.stdin: its lock would be held while this waits, and the program could not end.
    return await _unhurried(lambda: os.read(descriptor, _CHUNK))


async def opened(path: Path) -> int:
    """A descriptor of a file; a named pipe opens when somebody writes to it.

    Raises:
        OSError: it cannot be opened.
    """
    return await _unhurried(lambda: os.open(path, os.O_RDONLY))


async def answer_of_a_person(question: str) -> str:
    """What a person types at a question, without the blanks around it."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return (await read_some(sys.stdin.fileno())).decode("utf-8", "replace").strip()


async def _unhurried(work: Callable[[], T]) -> T:
    """What a call of the system results in, however long that takes.

    It has a thread of its own, which nobody waits for: it may be blocked when the program ends.
    """
    answer: concurrent.futures.Future[T] = concurrent.futures.Future()
    # From now on it is not cancelled, only left alone.
    answer.set_running_or_notify_cancel()

    def run() -> None:
        try:
            answer.set_result(work())
        except OSError as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(answer)
