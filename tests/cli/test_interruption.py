"""How commands end before they are done: Ctrl-C, SIGTERM, a reader that has gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import List, Tuple

import pytest

from queen import Queen
from tests.cli.conftest import environment
from tests.scripted_server import Answer, Hang, Received, ScriptedServer, answers

HEALTH = {"status": "healthy", "database": "connected", "server": "C++ Queen Server (libqueen)", "version": "1.0.0"}
MESSAGE = {
    "id": "01890c3e-7b1a-7c3d-8e4f-5a6b7c8d9e0f",
    "transactionId": "t1",
    "partitionId": "5f0c2a1b-3d4e-4f50-8a6b-7c8d9e0f1a2b",
    "leaseId": "8c1f3e5a-2b4d-4f60-9a7c-1d2e3f4a5b6c",
    "queue": "q",
    "partition": "Default",
    "data": 1,
    "traceId": None,
    "createdAt": "2026-01-31T10:20:30.123Z",
}
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


async def started(url: str, *words: str, stdout: int = asyncio.subprocess.PIPE) -> asyncio.subprocess.Process:
    command = [sys.executable, "-W", "error", "-m", "queen", *words]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, env=environment(url), stdin=pipe, stdout=stdout, stderr=pipe)


async def ended(process: asyncio.subprocess.Process) -> Tuple[int, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode is not None
    return process.returncode, (out or b"").decode(), err.decode()


@pytest.mark.parametrize(("number", "code"), SIGNALS)
async def test_a_pop_that_waits_ends_at_once(number: signal.Signals, code: int) -> None:
    polls = asyncio.Event()

    def script(received: Received) -> Answer:
        if received.target == "/health":
            return answers(HEALTH)
        polls.set()
        return Hang()

    async with ScriptedServer(script) as server:
        process = await started(server.url, "pop", "q", "--wait", "60")
        await asyncio.wait_for(polls.wait(), 10)
        process.send_signal(number)
        assert await ended(process) == (code, "", "")


async def test_what_comes_just_after_ctrl_c_is_given_back() -> None:
    polls, interrupted = asyncio.Event(), asyncio.Event()
    acks: List[object] = []

    async def script(received: Received) -> Answer:
        if received.target == "/health":
            return answers(HEALTH)
        if received.method == "POST":
            acks.append(received.json)
            return answers([{"transactionId": "t1", "success": True, "error": None, "dlq": False}])
        polls.set()
        await interrupted.wait()
        return answers({"messages": [MESSAGE]})

    async with ScriptedServer(script) as server:
        process = await started(server.url, "pop", "q", "--wait", "60", "--ack")
        await asyncio.wait_for(polls.wait(), 10)
        process.send_signal(signal.SIGINT)
        interrupted.set()
        code, out, err = await ended(process)
    assert (code, out, err) == (130, "", "")
    assert "completed" not in json.dumps(acks)
    assert "retry" in json.dumps(acks)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
async def test_following_ends_at_once(broker_url: str, name: str, number: signal.Signals, code: int) -> None:
    async with Queen(broker_url) as client:
        await client.queue(name).push([{"data": 1}])
        process = await started(broker_url, "tail", name, "--follow")
        assert process.stdout is not None
        assert (await asyncio.wait_for(process.stdout.readline(), 10)).endswith(b"  1\n")
        process.send_signal(number)
        assert await ended(process) == (code, "", "")
        groups = await client.admin.list_consumer_groups()
        assert [group for group in groups if group["queueName"] == name] == []


async def test_following_ends_when_nobody_reads_any_more(broker_url: str, name: str) -> None:
    async with Queen(broker_url) as client:
        await client.queue(name).push([{"data": 1}])
    reader, writer = os.pipe()
    process = await started(broker_url, "tail", name, "--follow", stdout=writer)
    os.close(writer)
    line = await asyncio.get_running_loop().run_in_executor(None, os.read, reader, 1000)
    assert line.endswith(b"  1\n")
    # No message comes that could not be written.
    os.close(reader)
    code, _, err = await ended(process)
    assert (code, err) == (141, "")


@pytest.mark.parametrize("words", [("--json",), ()])
async def test_a_list_that_nobody_reads_ends_quietly(broker_url: str, words: List[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = await started(broker_url, "queues", *words, stdout=writer)
    os.close(writer)
    code, _, err = await ended(process)
    assert (code, err) == (141, "")


async def test_ctrl_c_deletes_the_queue_of_a_measurement(broker_url: str) -> None:
    async with Queen(broker_url) as client:
        process = await started(broker_url, "bench", "--messages", "10000000", "--batch", "10")

        async def there() -> List[str]:
            queues = (await client.admin.list_queues())["queues"]
            return [queue["name"] for queue in queues if queue["name"].startswith("queen-bench-")]

        async with asyncio.timeout(10):
            while not await there():
                pass
        process.send_signal(signal.SIGINT)
        assert await ended(process) == (130, "", "")
        assert await there() == []


async def test_ctrl_c_ends_the_broker() -> None:
    process = await started("", "serve", "--port", "0")
    assert process.stderr is not None
    line = await asyncio.wait_for(process.stderr.readline(), 10)
    assert b"broker for development on http://127.0.0.1:" in line
    process.send_signal(signal.SIGINT)
    assert await ended(process) == (130, "", "")
