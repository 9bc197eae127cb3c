"""A file survives a broker that is killed."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Set, Tuple

import pytest

from queen import ConfigurationError, Queen


async def served(database: Path) -> Tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "queen.broker", "--port", "0", "--db", str(database), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    line = (await asyncio.wait_for(process.stderr.readline(), 20)).decode()
    found = re.search(r"http://[\d.]+:\d+", line)
    assert found is not None, line
    return process, found.group()


async def test_nothing_acknowledged_is_lost_when_the_broker_is_killed(tmp_path: Path) -> None:
    database = tmp_path / "queen.db"
    process, url = await served(database)
    pushed: Set[int] = set()
    settled: Set[int] = set()

    async def produce(queen: Queen) -> None:
        for number in range(10_000):
            await queen.queue("q").partition(f"p{number % 3}").push([{"data": number}])
            pushed.add(number)
            if number == 60:
                process.send_signal(signal.SIGKILL)

    async def consume(queen: Queen) -> None:
        while True:
            for message in await queen.queue("q").wait().pop():
                if (await message.ack())["success"]:
                    settled.add(message.data)

    async with Queen(url, retry_attempts=0) as queen:
        ended = await asyncio.gather(produce(queen), consume(queen), return_exceptions=True)
    await process.wait()
    assert all(isinstance(error, Exception) for error in ended)
    assert len(pushed) > 60
    assert settled

    process, url = await served(database)
    left: Set[int] = set()
    async with Queen(url) as queen:
        # A lease may have been held when the broker was killed: another group sees every message.
        for name in ("p0", "p1", "p2"):
            popped = await queen.queue("q").partition(name).group("audit").batch(10_000).pop()
            left.update(message.data for message in popped)
        again = {message.data for message in await queen.queue("q").batch(10_000).partitions(3).pop()}
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 20) in (0, -signal.SIGTERM)
    assert pushed <= left
    assert not settled & again


async def test_a_file_of_another_layout_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "queen.db")) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(ConfigurationError, match="has the layout 2, and this broker reads layout 3"):
        Queen(f"sqlite:///{tmp_path}/queen.db")
    with closing(sqlite3.connect(tmp_path / "queen.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)


async def test_a_file_belongs_to_one_process(tmp_path: Path) -> None:
    process, _ = await served(tmp_path / "queen.db")
    with pytest.raises(ConfigurationError, match="database is locked; another process has it open"):
        Queen(f"sqlite:///{tmp_path}/queen.db")
    process.send_signal(signal.SIGKILL)
    await asyncio.wait_for(process.wait(), 10)
    async with Queen(f"sqlite:///{tmp_path}/queen.db") as queen:
        assert await queen.queue("q").pop() == []
