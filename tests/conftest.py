"""Fixtures for all tests: a client, on the server that ``--server`` names."""

from __future__ import annotations

import contextlib
import itertools
import re
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import AsyncIterator, Iterator

import pytest

from queen import Queen

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server",
        default="memory",
        metavar="memory|sqlite|URL",
        help="what behaviour tests run against: the embedded broker in memory or in a file, or a server",
    )


@pytest.fixture
def server_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The server under test; the embedded broker is a fresh one for each test."""
    server = str(request.config.getoption("--server"))
    if server == "memory":
        return f"memory://test-{next(_numbers)}"
    if server == "sqlite":
        return f"sqlite:///{tmp_path}/queen.db"
    return server


@pytest.fixture
async def queen(server_url: str) -> AsyncIterator[Queen]:
    """A client of the server under test."""
    async with Queen(server_url, retry_delay_millis=10) as client:
        yield client


@pytest.fixture
def queue_name(request: pytest.FixtureRequest) -> str:
    """A queue that no other test uses, also on a server that is used many times."""
    return f"{request.node.originalname or 'queue'}-{uuid.uuid4().hex[:8]}"[-200:]


@contextlib.contextmanager
def served_broker(dialect: str = "embedded") -> Iterator[str]:
    """The URL of an embedded broker in a process of its own, on a socket."""
    command = [sys.executable, "-m", "queen.broker", "--port", "0", "--dialect", dialect]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"http://[\d.]+:\d+", line)
            assert found is not None, line
            # A broker that logs much must not wait for somebody to read it.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield found.group()
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """The embedded broker in a process of its own, on a socket."""
    with served_broker() as url:
        yield url
