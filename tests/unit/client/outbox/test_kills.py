"""A producer that is killed with -9 loses nothing that it accepted, and nothing comes twice or out of order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import uuid
from pathlib import Path
from typing import AsyncIterator, Dict, List

import pytest

from queen import Queen
from tests.scripted_server import Answer, Received, ScriptedServer
from tests.unit.client.outbox.outboxes import NOWHERE, Storing, in_file
from tests.unit.client.outbox.producer import PARTITIONS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


@contextlib.asynccontextmanager
async def producing(
    url: str, options: Dict[str, object], first: int, last: int, *point: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A producer in a process of its own, which is killed at the end."""
    arguments = (url, json.dumps(options), str(first), str(last), *point)
    program = "tests.unit.client.outbox.producer"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", program, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        kill(process)
        await process.communicate()


def kill(process: asyncio.subprocess.Process) -> None:
    # Its own method asks first whether it lives, and takes its exit status away from those who wait for it.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def accepted_by(process: asyncio.subprocess.Process, count: int) -> List[int]:
    """The numbers that a producer says it has accepted: so many, or all until it dies."""
    assert process.stdout is not None
    numbers: List[int] = []
    while len(numbers) < count:
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        if not line:
            break
        numbers.append(int(line))
    return numbers


async def died(process: asyncio.subprocess.Process) -> bool:
    return await asyncio.wait_for(process.wait(), 20) == -signal.SIGKILL


def of_partition(numbers: List[int], place: int) -> List[int]:
    return [number for number in numbers if number % 3 == place]


async def test_a_kill_between_pushes_and_the_flush_loses_nothing(broker_url: str, tmp_path: Path) -> None:
    options = {"durable": str(tmp_path / "outbox.db"), "time_millis": 600_000, "message_count": 4}
    queue = f"killed-{uuid.uuid4().hex[:8]}"
    program = f"""
import asyncio, os, signal
from queen import Queen

async def main():
    queen = Queen("{broker_url}")
    for number in range(10):
        options = {{"durable": {options["durable"]!r}, "time_millis": 600_000}}
        await queen.queue("{queue}").buffer(options).push([{{"data": number}}])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await died(process)
    async with Queen(broker_url) as queen:
        assert await queen.queue(queue).batch(100).pop() == []
        await queen.queue(queue).buffer(options).push([{"data": 10}])
        await queen.flush_all_buffers()
        found = await queen.queue(queue).batch(100).pop()
        assert [message.data for message in found] == list(range(11))
        assert len({message.transaction_id for message in found}) == 11
    assert in_file(tmp_path / "outbox.db") == []


async def test_a_kill_between_the_answer_and_the_removal_sends_nothing_twice(tmp_path: Path) -> None:
    server_side = Storing()
    options = {"durable": str(tmp_path / "outbox.db"), "message_count": 2, "time_millis": 600_000}
    async with ScriptedServer(server_side) as server:
        async with producing(server.url, options, 0, 6, "removal") as process:
            accepted = await accepted_by(process, 100)
            assert await died(process)
        sent = {name: list(numbers) for name, numbers in server_side.stored.items()}
        left = in_file(tmp_path / "outbox.db")
        # What the server has is still in the file: this is the point that was meant.
        assert any(number in left for numbers in sent.values() for number in numbers)
        assert set(accepted) <= set(left)
        async with Queen(server.url) as queen:
            assert await queen.recover_outbox(tmp_path / "outbox.db") == len(left)
    for place, name in enumerate(PARTITIONS):
        assert server_side.stored.get(name, []) == of_partition(left, place)
    assert in_file(tmp_path / "outbox.db") == []


@pytest.mark.parametrize("point", ["commit", "committed"])
async def test_a_kill_while_a_push_is_written_keeps_all_of_it_or_nothing(tmp_path: Path, point: str) -> None:
    options = {"durable": str(tmp_path / "outbox.db"), "time_millis": 600_000}
    async with producing(NOWHERE, options, 0, 1, point) as process:
        assert await accepted_by(process, 100) == []
        assert await died(process)
    assert in_file(tmp_path / "outbox.db") == ([] if point == "commit" else [0])
    server_side = Storing()
    async with ScriptedServer(server_side) as server, Queen(server.url) as queen:
        await queen.recover_outbox(tmp_path / "outbox.db")
    assert server_side.stored == ({} if point == "commit" else {"p0": [0]})


async def test_kills_at_any_moment_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    draw = random.Random(7)
    server_side = Storing()
    victim: List[asyncio.subprocess.Process] = []

    def answer(received: Received) -> Answer:
        stored = server_side(received)
        if victim and draw.random() < 0.05:
            # Between what the server does and what its client learns of it.
            kill(victim.pop())
        return stored

    options = {"durable": str(tmp_path / "outbox.db"), "message_count": 3, "time_millis": 5}
    accepted: List[int] = []
    first = 0
    async with ScriptedServer(answer) as server:
        for _ in range(5):
            async with producing(server.url, options, first, first + 1000) as process:
                wanted = draw.randrange(20, 120)
                numbers = await accepted_by(process, wanted // 2)
                victim[:] = [process]
                numbers += await accepted_by(process, wanted - len(numbers))
                kill(process)
                numbers += await accepted_by(process, 10_000)
                victim.clear()
                assert await died(process)
            accepted += numbers
            # The last push may have been written, and was not said to be accepted.
            first = max(accepted, default=-1) + 2
        async with Queen(server.url) as queen:
            await queen.recover_outbox(tmp_path / "outbox.db")
    for place, name in enumerate(PARTITIONS):
        found = server_side.stored[name]
        assert found == sorted(set(found))
        assert set(of_partition(accepted, place)) <= set(found)
    assert in_file(tmp_path / "outbox.db") == []
