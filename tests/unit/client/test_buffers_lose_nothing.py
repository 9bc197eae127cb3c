"""Whatever happens to flushes: each buffered message is stored in order, or handed back."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Dict, List, Set

import pytest

from queen import Queen, QueenBufferError
from tests.scripted_server import Answer, Drop, Received, Scripted, ScriptedServer, answers

PARTITIONS = ("a", "b", "c")
EACH = 40


class FaultyServer:
    """Stores what is pushed, in the order in which it comes, and fails in many ways before or after it has."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self.stored: Dict[str, List[int]] = {name: [] for name in PARTITIONS}
        self._taken: Set[str] = set()

    def __call__(self, received: Received) -> Answer:
        body: Any = received.json
        fault = self._draw.random()
        if fault < 0.1:
            return Drop()
        if fault < 0.2:
            return Scripted(b"<html>", 503)
        results = [self._store(item) for item in body["items"]]
        if fault < 0.3:
            return Drop()
        return answers(results)

    def _store(self, item: Dict[str, Any]) -> Dict[str, Any]:
        identifier = item["transactionId"]
        if identifier in self._taken:
            return {"status": "duplicate", "transaction_id": identifier}
        self._taken.add(identifier)
        self.stored[item["partition"]].append(item["payload"])
        return {"status": "queued", "transaction_id": identifier}


@pytest.mark.parametrize("seed", range(25))
async def test_every_message_is_stored_in_order_or_handed_back(seed: int) -> None:
    draw = random.Random(seed)
    server = FaultyServer(draw)
    accepted: Dict[str, List[int]] = {name: [] for name in PARTITIONS}
    cancelled: Dict[str, List[int]] = {name: [] for name in PARTITIONS}
    back: Dict[str, List[int]] = {name: [] for name in PARTITIONS}
    async with ScriptedServer(server) as socket:
        queen = Queen(socket.url, retry_attempts=draw.choice([0, 2]), retry_delay_millis=1, timeout_millis=2000)
        await asyncio.gather(*(produce(queen, draw, name, accepted[name], cancelled[name]) for name in PARTITIONS))
        try:
            await queen.close()
        except QueenBufferError as error:
            for item in error.unsent:
                back[str(item["partition"])].append(int(str(item["data"])))
    for name in PARTITIONS:
        assert server.stored[name] == sorted(server.stored[name])
        # What was handed back may have been stored all the same: its answer was lost.
        found = {*server.stored[name], *back[name]}
        assert set(accepted[name]) <= found <= {*accepted[name], *cancelled[name]}


async def produce(queen: Queen, draw: random.Random, partition: str, accepted: List[int], cancelled: List[int]) -> None:
    """Push in order, sometimes flushing, sometimes cancelled while it waits for room."""
    queue = queen.queue("q").partition(partition).buffer({"message_count": 4, "max_size": 8, "time_millis": 5})
    for number in range(EACH):
        pushing = asyncio.ensure_future(queue.push([{"data": number}]))
        if draw.random() < 0.1:
            await asyncio.sleep(0)
            pushing.cancel()
        try:
            await pushing
        except asyncio.CancelledError:
            # It was taken or it was not; a push that is cancelled cannot tell.
            cancelled.append(number)
            continue
        accepted.append(number)
        if draw.random() < 0.1:
            try:
                await queen.flush_all_buffers()
            except QueenBufferError:
                continue
