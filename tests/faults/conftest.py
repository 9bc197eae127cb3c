"""Fixtures of the tests under faults."""

from __future__ import annotations

from typing import AsyncIterator

import pytest

from tests.faults.proxy import FaultProxy


@pytest.fixture
async def proxy(broker_url: str) -> AsyncIterator[FaultProxy]:
    """A proxy in front of a broker; it does nothing until it is given a plan."""
    async with FaultProxy(int(broker_url.rpartition(":")[2])) as started:
        yield started
