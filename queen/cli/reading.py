"""Reading standard input without holding up the end of the program."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from typing import Optional

from typing_extensions import Final

_CHUNK: Final = 256 * 1024


async def read_some(descriptor: int) -> bytes:
    """What there is to read, as soon as there is some; nothing at the end.

    The read has a thread of its own, which nobody waits for: it may be blocked when the program ends.

    Raises:
        OSError: it cannot be read.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()

    def settle(chunk: bytes, error: Optional[OSError]) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(chunk)
        else:
            answer.set_exception(error)

    def read() -> None:
        chunk, failure = b"", None
        try:
            # Not through sys.stdin: its lock would be held while this waits, and the program could not end.
            chunk = os.read(descriptor, _CHUNK)
        except OSError as error:
            failure = error
        # The loop may be gone when input comes at last.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, chunk, failure)

    threading.Thread(target=read, daemon=True).start()
    return await answer


async def answer_of_a_person(question: str) -> str:
    """What a person types at a question, without the blanks around it."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return (await read_some(sys.stdin.fileno())).decode("utf-8", "replace").strip()
