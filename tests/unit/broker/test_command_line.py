"""``python -m queen.broker``: how it starts and how it ends."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from typing import Sequence, Tuple

import httpx
import pytest

from queen import Queen


async def started(*arguments: str) -> Tuple[asyncio.subprocess.Process, str]:
    command = [sys.executable, "-m", "queen.broker", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    return process, (await asyncio.wait_for(process.stderr.readline(), 20)).decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_quietly_and_answers_parked_polls(number: signal.Signals) -> None:
    process, line = await started("--port", "0")
    assert "broker for development" in line
    found = re.search(r"http://127.0.0.1:(\d+)", line)
    assert found is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", int(found.group(1)))
    writer.write(b"GET /api/v1/pop/queue/q?wait=true HTTP/1.1\r\nhost: broker\r\n\r\n")
    await writer.drain()
    async with Queen(found.group()) as queen:
        # The broker reads in turn: when this is answered, the poll is parked.
        await queen.queue("other").push([{"data": 1}])
    process.send_signal(number)
    assert b'"messages":[]' in await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert process.stderr is not None
    assert await asyncio.wait_for(process.stderr.read(), 10) == b""
    assert await asyncio.wait_for(process.wait(), 10) in (0, -number)


async def test_it_speaks_the_dialect_that_is_asked_for() -> None:
    process, line = await started("--port", "0", "--dialect", "0.7")
    found = re.search(r"(http://\S+) \(0\.7\)", line)
    assert found is not None, line
    async with httpx.AsyncClient() as client:
        assert "Acceptor/Worker" in (await client.get(f"{found.group(1)}/health")).text
    process.terminate()
    await asyncio.wait_for(process.wait(), 10)


@pytest.mark.parametrize("arguments", [("--dialect", "0.8"), ("--port", "99999"), ("--port", "http")])
async def test_an_argument_that_is_not_accepted_is_an_error(arguments: Sequence[str]) -> None:
    process, line = await started(*arguments)
    assert line.startswith("usage:")
    assert await asyncio.wait_for(process.wait(), 10) == 2


async def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process, line = await started("--port", str(taken.getsockname()[1]))
        assert "address already in use" in line
        assert await asyncio.wait_for(process.wait(), 10) != 0
