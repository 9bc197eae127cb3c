"""Fixtures for the tests of the client."""

from __future__ import annotations

import asyncio
import socket
from typing import Iterator

import pytest

from tests.unit.client.loop_clock import Clock


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    moved = Clock(loop.time)
    monkeypatch.setattr(loop, "time", moved.time)
    return moved


@pytest.fixture
def full_host() -> Iterator[str]:
    """The URL of a socket that leaves further connections without an answer, as a host does that drops packets."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for each in waiting:
            each.close()
