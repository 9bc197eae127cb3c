"""Three servers, on a loop whose time the tests move on; nothing is waited out."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import AsyncIterator

import pytest

from queen.transport.ring import Ring
from tests.unit.client.failover.servers import KEY, Clock, Server, Servers


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    moved = Clock(loop.time)
    monkeypatch.setattr(loop, "time", moved.time)
    return moved


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """Three servers, in the order in which the ring offers them to ``KEY``."""
    async with AsyncExitStack() as stack:
        started = [Server() for _ in range(3)]
        for server in started:
            await stack.enter_async_context(server)
        first, second, third = (started[index] for index in Ring([server.url for server in started], 128).walk(KEY))
        yield first, second, third
