"""Many buffers, partitions and consumers in one client: what they hold while they wait, and afterwards."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from pathlib import Path
from typing import Any, List

from queen import Queen
from queen.buffering.buffer import Buffer
from tests.scripted_server import Received, Scripted, ScriptedServer
from tests.unit.client.pushes import queued

ROOT = Path(__file__).parents[3]
SLOW = {"time_millis": 60_000}


def held_buffers() -> int:
    gc.collect()
    return sum(isinstance(found, Buffer) for found in gc.get_objects())


async def test_buffers_that_wait_for_their_time_hold_no_tasks() -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        before = len(asyncio.all_tasks())
        for number in range(500):
            await queen.queue("q").partition(f"p{number}").buffer(SLOW).push([{"data": number}])
        assert queen.get_buffer_stats()["activeBuffers"] == 500
        assert len(asyncio.all_tasks()) == before


async def test_buffers_that_come_due_together_are_sent_by_a_bounded_number_of_tasks() -> None:
    release, under_way = asyncio.Event(), asyncio.Semaphore(0)

    async def held(received: Received) -> Scripted:
        under_way.release()
        await release.wait()
        return queued(received)

    async with ScriptedServer(held) as server, Queen(server.url) as queen:
        before = len(asyncio.all_tasks())
        for number in range(300):
            await queen.queue("q").partition(f"p{number}").buffer({"time_millis": 1}).push([{"data": number}])
        for _ in range(100):
            await asyncio.wait_for(under_way.acquire(), 5)
        # A hundred requests, each of them a task here and one of the server's.
        assert len(asyncio.all_tasks()) - before <= 200
        assert len(server.received) == 100
        release.set()
        await queen.flush_all_buffers()
        stats = queen.get_buffer_stats()
        assert (len(server.received), stats["flushesPerformed"], stats["flushesFailed"]) == (300, 300, 0)


async def test_a_buffer_that_is_always_full_does_not_keep_the_others_from_being_sent() -> None:
    order: List[str] = []

    def noted(received: Received) -> Scripted:
        body: Any = received.json
        order.append(body["items"][0]["partition"])
        return queued(received)

    full = {"message_count": 1, "max_size": 300, "time_millis": 60_000}
    async with ScriptedServer(noted) as server, Queen(server.url) as queen:
        for number in range(100):
            for _ in range(3):
                await queen.queue("q").partition(f"busy{number}").buffer(full).push([{"data": 1}])
        await queen.queue("q").partition("late").buffer(full).push([{"data": 1}])
        await queen.flush_all_buffers()
    assert order.index("late") < 200
    assert len(order) == 301


async def test_partitions_that_have_nothing_to_send_are_forgotten() -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        before = held_buffers()
        queue = queen.queue("q")
        for number in range(400):
            await queue.partition(f"p{number}").buffer({"message_count": 2, **SLOW}).push([{"data": 1}])
        assert held_buffers() - before == 400
        for number in range(400):
            await queue.partition(f"p{number}").buffer({"message_count": 2, **SLOW}).push([{"data": 2}])
        await queen.flush_all_buffers()
        assert held_buffers() == before
        stats = queen.get_buffer_stats()
        assert (stats["activeBuffers"], stats["flushesPerformed"]) == (0, 400)


async def test_each_buffer_is_sent_at_its_own_time() -> None:
    arrived: List[str] = []
    all_came = asyncio.Event()

    def noted(received: Received) -> Scripted:
        body: Any = received.json
        arrived.append(body["items"][0]["partition"])
        if len(arrived) == 2:
            all_came.set()
        return queued(received)

    async with ScriptedServer(noted) as server, Queen(server.url) as queen:
        for millis in (60_000, 300, 1):
            await queen.queue("q").partition(str(millis)).buffer({"time_millis": millis}).push([{"data": 1}])
        await asyncio.wait_for(all_came.wait(), 5)
        assert arrived == ["1", "300"]


def test_the_benchmark_of_scale_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.scale", "--small", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    for row in ("| buffers | 10 |", "| partitions seen | 10 |", "| consumers | 5 |", "- idle consumer: ", "- buffer: "):
        assert row in done.stdout
