"""The broker that the guide's snippets run against, and what is said of them in the end."""

from __future__ import annotations

from typing import AsyncIterator

import pytest

from tests.guide import bindings
from tests.guide.harness import Guide


@pytest.fixture
async def guide(capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Guide]:
    """A broker of its own for each test, whose clock stands still."""
    opened = Guide(capsys)
    yield opened
    await opened.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many snippets were run."""
    terminalreporter.write_line(bindings.summary())
