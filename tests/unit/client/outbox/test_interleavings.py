"""Whatever servers and crashes do: each message that was accepted is stored once, in order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from pathlib import Path
from typing import Dict, List

import pytest

from queen import Queen, QueenBufferError
from tests.scripted_server import Answer, Drop, Received, Scripted, ScriptedServer, answers
from tests.unit.client.outbox.outboxes import Storing, in_file

PARTITIONS = ("a", "b", "c")
LIVES = 4
EACH = 12


class FaultyServer:
    """Passes requests on to a server that stores, fails before or after it has, and dies with its client's life."""

    def __init__(self, draw: random.Random, storing: Storing) -> None:
        self._draw = draw
        self._storing = storing
        self.alive = True

    def __call__(self, received: Received) -> Answer:
        fault = self._draw.random()
        if not self.alive:
            # A refusal, so that closing does not wait for anything.
            return answers({"error": "gone"}, 403)
        if fault < 0.1:
            return Drop()
        if fault < 0.2:
            return Scripted(b"<html>", 503)
        answer = self._storing(received)
        return Drop() if fault < 0.35 else answer


class Producers:
    """One for each partition; they push numbers in order and note which were accepted."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._next: Dict[str, int] = dict.fromkeys(PARTITIONS, 0)
        self._left_to_do = 0
        self.accepted: Dict[str, List[int]] = {name: [] for name in PARTITIONS}
        self.has_enough = asyncio.Event()

    def start(self, pushes: int) -> None:
        """Say when so many pushes are accepted."""
        self._left_to_do = pushes
        self.has_enough.clear()

    async def produce(self, queen: Queen, path: Path, partition: str) -> None:
        options = {"durable": path, "message_count": 3, "max_size": 6, "time_millis": self._draw.choice([1, 60_000])}
        queue = queen.queue("q").partition(partition).buffer(options)
        for _ in range(EACH):
            size = self._draw.randint(1, 3)
            numbers = list(range(self._next[partition], self._next[partition] + size))
            self._next[partition] += size
            await queue.push([{"data": number, "transactionId": f"{partition}{number}"} for number in numbers])
            self.accepted[partition] += numbers
            self._left_to_do -= 1
            if self._left_to_do == 0:
                self.has_enough.set()
            if self._draw.random() < 0.1:
                try:
                    await queue.flush_buffer()
                except QueenBufferError:
                    continue


@pytest.mark.parametrize("seed", range(6))
async def test_what_was_accepted_is_stored_once_in_order(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    storing = Storing()
    producers = Producers(draw)
    for life in range(LIVES):
        server_side = FaultyServer(draw, storing)
        path = tmp_path / f"{life}.db"
        async with ScriptedServer(server_side) as server:
            queen = Queen(server.url, retry_attempts=0, retry_delay_millis=1, timeout_millis=20_000)
            producers.start(draw.randint(3, EACH * len(PARTITIONS)))
            producing = [asyncio.ensure_future(producers.produce(queen, path, name)) for name in PARTITIONS]
            await asyncio.wait_for(producers.has_enough.wait(), 20)
            # The crash: what is on the disk now is all that the next life has.
            server_side.alive = False
            for name in (f"{life}.db", f"{life}.db-wal"):
                shutil.copyfile(tmp_path / name, tmp_path / name.replace(str(life), str(life + 1), 1))
            # None of them goes on: a push that was accepted meanwhile is cancelled before it can say so.
            for task in producing:
                task.cancel()
            await asyncio.gather(*producing, return_exceptions=True)
            with contextlib.suppress(QueenBufferError):
                await queen.close()
    async with ScriptedServer(storing) as server, Queen(server.url) as queen:
        await queen.recover_outbox(tmp_path / f"{LIVES}.db")
    for name in PARTITIONS:
        found = storing.stored.get(name, [])
        assert found == sorted(set(found))
        assert set(producers.accepted[name]) <= set(found)
    assert in_file(tmp_path / f"{LIVES}.db") == []
