"""A file belongs to one client of one process at a time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import List

import pytest

from queen import BufferClosedError, OutboxError, Queen
from tests.scripted_server import ScriptedServer
from tests.unit.client.outbox.outboxes import NOWHERE, Storing, durable, files_in, in_file, leave
from tests.unit.client.pushes import payloads, queued

HOLDER = """
import asyncio, sys
from queen import Queen

async def main():
    queen = Queen("http://127.0.0.1:1")
    await queen.queue("q").buffer({"durable": sys.argv[1], "time_millis": 600_000}).push([{"data": "held"}])
    print("open", flush=True)
    await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


async def test_a_file_that_another_process_has_open_is_refused_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 20) == b"open\n"
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(path))
        with pytest.raises(OutboxError, match="has it open, and a file belongs to one client") as raised:
            await queue.push([{"data": 1, "transactionId": "t"}])
        assert raised.value.path == str(path)
        if sys.platform == "linux":
            assert raised.value.owner == process.pid
            assert f"process {process.pid} has it open" in str(raised.value)
        assert [item["transactionId"] for item in raised.value.unsent] == ["t"]
        assert queen.get_buffer_stats()["totalBufferedMessages"] == 0
        os.kill(process.pid, signal.SIGKILL)
        await asyncio.wait_for(process.wait(), 20)
        # The same client, the same buffer: nothing stale is left.
        await queue.push([{"data": 2}])
        await queen.flush_all_buffers()
        assert payloads(server) == [["held"], [2]]
    assert in_file(path) == []


async def test_two_clients_of_one_process_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    async with ScriptedServer(queued) as server, Queen(server.url) as first:
        await first.queue("q").buffer(durable(path)).push([{"data": 1}])
        async with Queen(server.url) as second:
            with pytest.raises(OutboxError, match="another client has it open"):
                await second.queue("q").buffer(durable(path)).push([{"data": 2}])
            with pytest.raises(OutboxError, match="another client has it open"):
                await second.recover_outbox(path)
            await first.close()
            await second.queue("q").buffer(durable(path)).push([{"data": 3}])
        assert payloads(server) == [[1], [3]]


async def test_a_client_that_is_forgotten_gives_the_file_up(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    program = f"""
import asyncio, gc, sqlite3
from queen import Queen

async def push(number):
    queen = Queen("http://127.0.0.1:1")
    await queen.queue("q").buffer({{"durable": {str(path)!r}, "time_millis": 600_000}}).push([{{"data": number}}])

for number in range(2):
    asyncio.run(push(number))
    # A thread may hold the last of it for a moment after the loop has ended.
    while any(isinstance(found, sqlite3.Connection) for found in gc.get_objects()):
        gc.collect()
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "ignore", "-c", program)
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert in_file(path) == [0, 1]


FORK = """
import asyncio, os, selectors, sys
from queen import OutboxError, Queen, WrongEventLoopError

async def push(queen, number):
    options = {"durable": sys.argv[1], "time_millis": 600_000}
    await queen.queue("q").buffer(options).push([{"data": number}])

async def refused(queen):
    try:
        await push(queen, "of the child")
    except (OutboxError, WrongEventLoopError) as error:
        assert [item["data"] for item in error.unsent] == ["of the child"]
        return str(error), getattr(error, "owner", None)
    return None

def child(parent, queen):
    words, _ = asyncio.run(refused(queen))
    assert f"opened in the process {parent}, from which this one was forked" in words, words
    words, owner = asyncio.run(refused(Queen("http://127.0.0.1:1")))
    assert "has it open" in words, words
    # As a program that daemonizes ends: with all that the interpreter does at its end.
    sys.exit(0)

parent = os.getpid()
# A loop of which a child can close its copy: one on epoll would be closed for both.
loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
queen = Queen("http://127.0.0.1:1")
loop.run_until_complete(push(queen, 1))
forked = os.fork()
if not forked:
    child(parent, queen)
_, status = os.waitpid(forked, 0)
assert status == 0, status
loop.run_until_complete(push(queen, 2))
os.kill(parent, 9)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
async def test_a_forked_child_neither_uses_nor_harms_the_file_of_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", FORK, str(path), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == -signal.SIGKILL, errors.decode()
    assert in_file(path) == [1, 2]


async def test_a_closed_client_does_not_open_the_file(tmp_path: Path) -> None:
    queen = Queen(NOWHERE)
    await queen.close()
    with pytest.raises(BufferClosedError):
        await queen.recover_outbox(tmp_path / "outbox.db")
    assert files_in(tmp_path) == []


async def test_a_client_can_use_many_files(tmp_path: Path) -> None:
    server_side = Storing()
    for name in ("a.db", "b.db"):
        await leave(tmp_path / name, name, partition=name)
    async with ScriptedServer(server_side) as server, Queen(server.url) as queen:
        counts: List[int] = [await queen.recover_outbox(tmp_path / name) for name in ("a.db", "b.db")]
    assert counts == [1, 1]
    assert server_side.stored == {"a.db": ["a.db"], "b.db": ["b.db"]}
