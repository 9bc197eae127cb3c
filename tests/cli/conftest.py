"""What the tests of the command line share: a broker on a socket, and two ways to run the program."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import uuid
from typing import Dict, Iterator, Optional

import attrs
import pytest

from queen import Queen
from queen.cli import main
from tests.conftest import served_broker

if importlib.util.find_spec("cyclopts") is None:
    # Python 3.11 and later can have it; tests/unit/test_command_line.py is about the others.
    collect_ignore_glob = ["test_*.py"]


@attrs.frozen
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def old_broker_url() -> Iterator[str]:
    """A broker of the dialect 0.7, in a process of its own."""
    with served_broker("0.7") as url:
        yield url


@pytest.fixture(params=["embedded", "0.7"])
def each_broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server of this test, an old one too."""
    url: str = request.getfixturevalue("broker_url" if request.param == "embedded" else "old_broker_url")
    monkeypatch.setenv("QUEEN_URL", url)
    return url


@pytest.fixture
def name() -> str:
    """A queue that no other test uses."""
    return f"cli-{uuid.uuid4().hex[:8]}"


def create(url: str, name: str) -> None:
    """Make a queue; server 0.7 makes none by a push."""

    async def make() -> None:
        async with Queen(url) as client:
            await client.queue(name).create()

    asyncio.run(make())


class Cli:
    """Runs commands in this process, which is quick."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Ran:
        self._capsys.readouterr()
        code = main(words)
        out, err = self._capsys.readouterr()
        return Ran(int(code), out, err)

    def fine(self, *words: str) -> str:
        """Run one that must succeed; what it says."""
        ran = self(*words)
        assert ran.code == 0, ran
        return ran.out


@pytest.fixture
def cli(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line, whose server is the broker."""
    if "each_broker" not in request.fixturenames:
        monkeypatch.setenv("QUEEN_URL", request.getfixturevalue("broker_url"))
    return Cli(capsys)


def environment(url: str, **more: str) -> Dict[str, str]:
    """The environment of a program whose server is this one."""
    return {**os.environ, "QUEEN_URL": url, "NO_PROXY": "*", **more}


def queen(*words: str, url: str, stdin: Optional[str] = "", **more: str) -> Ran:
    """Run the real program; what it did."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "queen", *words],
        env=environment(url, **more),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
