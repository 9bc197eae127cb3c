"""A broker whose clock stands still, and a client of it."""

from __future__ import annotations

import itertools
from typing import AsyncIterator

import pytest

from queen import Queen
from queen.broker import Broker, ManualClock, open_broker

# 2026-01-31 10:20:00 UTC.
START = 1_769_854_800_000_000
_numbers = itertools.count(1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def url() -> str:
    return f"memory://streams-{next(_numbers)}"


@pytest.fixture
async def broker(url: str, clock: ManualClock) -> AsyncIterator[Broker]:
    opened = open_broker(url, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def queen(broker: Broker, url: str) -> AsyncIterator[Queen]:
    async with Queen(url) as client:
        yield client
