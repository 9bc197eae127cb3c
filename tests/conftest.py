"""Fixtures for all tests: a client, on the server that ``--server`` names."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import re
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import AsyncIterator, Iterator

import httpx
import pytest

from queen import Queen
from queen.broker import open_broker
from queen.config import ENGINES
from tests.live_server import contents_of, delete_all_but

_numbers = itertools.count(1)


# What the embedded broker speaks: as the servers do, and what it speaks where nothing is said.
DIALECTS = ("embedded", "0.15", "0.7")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server",
        default="memory",
        metavar="memory|sqlite|URL",
        help="what behaviour tests run against: the embedded broker in memory or in a file, or a server",
    )
    parser.addoption(
        "--engine",
        choices=ENGINES,
        help="the engine of all clients; where nothing is said, tests marked sockets run on each engine",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests run on each engine and on each dialect that they are about."""
    _on_each_engine(metafunc)
    _on_each_dialect(metafunc)


def _on_each_engine(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("sockets") is None:
        return
    chosen = metafunc.config.getoption("--engine")
    metafunc.parametrize("_http_engine", ENGINES if chosen is None else (chosen,), indirect=True)


def _on_each_dialect(metafunc: pytest.Metafunc) -> None:
    """Behaviour tests run on each dialect of the embedded broker; a server that is given has its own."""
    if "server_dialect" not in metafunc.fixturenames:
        return
    server = str(metafunc.config.getoption("--server"))
    offered = (dialect_of(server),) if is_url(server) else DIALECTS
    marker = metafunc.definition.get_closest_marker("dialects")
    meant = offered if marker is None else [dialect for dialect in offered if dialect in marker.args]
    metafunc.parametrize("server_dialect", meant)


@pytest.fixture(autouse=True)
def _http_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of clients that name none, as ``--engine`` or the ``sockets`` mark says."""
    engine = getattr(request, "param", None) or request.config.getoption("--engine")
    if engine is None:
        return
    pytest.importorskip(engine)
    monkeypatch.setattr("queen.transport.engines.selection._PREFERRED", engine)


@pytest.fixture(autouse=True)
def _no_proxies_but_those_of_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all", "no"):
        for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper()):
            monkeypatch.delenv(name, raising=False)


def is_url(server: str) -> bool:
    """Whether ``--server`` names a server, and not the embedded broker in this process."""
    return server.startswith(("http://", "https://"))


@functools.lru_cache(maxsize=1)
def dialect_of(url: str) -> str:
    """What the server at a URL speaks, by its ``GET /health``."""
    server = str(httpx.get(f"{url}/health").json()["server"])
    return "embedded" if "embedded" in server else "0.15" if "libqueen" in server else "0.7"


@pytest.fixture(scope="session", autouse=True)
def _live_server_is_left_as_it_was(pytestconfig: pytest.Config) -> Iterator[None]:
    """What the tests made on a server is deleted, but for queues that no path can name, as a recording needs them."""
    server = str(pytestconfig.getoption("--server"))
    if not is_url(server):
        yield
        return
    found = asyncio.run(contents_of(server))
    yield
    left = asyncio.run(delete_all_but(server, found))
    assert all(name.startswith("rec-") for name in left), left


@pytest.fixture
async def server_url(request: pytest.FixtureRequest, tmp_path: Path, server_dialect: str) -> AsyncIterator[str]:
    """The server under test; the embedded broker is a fresh one for each test."""
    server = str(request.config.getoption("--server"))
    if is_url(server):
        yield server
        return
    url = f"memory://test-{next(_numbers)}" if server == "memory" else f"sqlite:///{tmp_path}/queen.db"
    # Clients that open the same URL get this broker.
    broker = open_broker(url, dialect=server_dialect)
    yield url
    await broker.close()


@pytest.fixture
async def queen(server_url: str) -> AsyncIterator[Queen]:
    """A client of the server under test."""
    async with Queen(server_url, retry_delay_millis=10) as client:
        yield client


@pytest.fixture
async def queue_name(request: pytest.FixtureRequest, server_url: str) -> str:
    """A queue that no other test uses, also on a server that is used many times. Server 0.7 makes none by itself."""
    name = f"{request.node.originalname or 'queue'}-{uuid.uuid4().hex[:8]}"[-200:]
    async with Queen(server_url) as client:
        await client.queue(name).create()
    return name


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
