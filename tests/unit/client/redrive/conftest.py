"""A queue for what is redriven to another one."""

from __future__ import annotations

from typing import AsyncIterator

import pytest

from queen import Queen


@pytest.fixture
async def other_queue(queen: Queen, queue_name: str) -> AsyncIterator[str]:
    """A queue that is not there yet, and not after the test."""
    name = f"{queue_name}-again"
    yield name
    await queen.queue(name).delete()
