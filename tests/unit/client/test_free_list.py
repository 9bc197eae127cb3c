"""Connections that wait for their next request, and requests that wait for a connection."""

from __future__ import annotations

import asyncio
import gc

import pytest

from queen.transport.engine import DeadlinePassedError
from queen.transport.engines.free_list import FreeList


class Connection:
    async def aclose(self) -> None:
        """There is nothing to close."""


def futures() -> int:
    gc.collect()
    return sum(isinstance(found, asyncio.Future) for found in gc.get_objects())


async def test_requests_that_gave_up_waiting_are_forgotten() -> None:
    free = FreeList(Connection, 1)
    loop = asyncio.get_running_loop()
    taken = await free.take(loop.time() + 10)
    before = futures()
    for _ in range(50):
        with pytest.raises(DeadlinePassedError):
            await free.take(loop.time())
    # The traceback of the last one still holds its own.
    assert futures() - before < 5
    free.give(taken)
    assert await free.take(loop.time() + 10) is taken
