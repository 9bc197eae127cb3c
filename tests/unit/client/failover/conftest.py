"""Three servers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import AsyncIterator

import pytest

from queen.transport.ring import Ring
from tests.unit.client.failover.servers import KEY, Server, Servers


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """Three servers, in the order in which the ring offers them to ``KEY``."""
    async with AsyncExitStack() as stack:
        started = [Server() for _ in range(3)]
        for server in started:
            await stack.enter_async_context(server)
        first, second, third = (started[index] for index in Ring([server.url for server in started], 128).order(KEY))
        yield first, second, third
