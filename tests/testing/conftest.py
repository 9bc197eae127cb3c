"""A client of the plugin's broker: the fixture ``queen`` of this project's own tests is another one."""

from __future__ import annotations

from typing import AsyncIterator

import pytest

from queen import Queen


@pytest.fixture
async def client(queen_url: str) -> AsyncIterator[Queen]:
    async with Queen(queen_url, retry_delay_millis=1) as opened:
        yield opened
