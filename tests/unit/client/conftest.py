"""Fixtures for the tests of the client."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.client.loop_clock import Clock


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    moved = Clock(loop.time)
    monkeypatch.setattr(loop, "time", moved.time)
    return moved
