"""Callbacks of buffered pushes come after the flush."""

from __future__ import annotations

import asyncio
from typing import Any, List, Mapping, Sequence, Tuple

from queen import Queen
from tests.scripted_server import ScriptedServer
from tests.unit.client.pushes import queued, refusing, stored


async def test_callbacks_come_after_the_flush(queen: Queen, queue_name: str) -> None:
    told: List[Tuple[str, List[Any]]] = []

    async def on_success(items: Sequence[Mapping[str, Any]]) -> None:
        told.append(("success", [item["payload"] for item in items]))

    def on_duplicate(items: Sequence[Mapping[str, Any]], error: Exception) -> None:
        told.append(("duplicate", [item["payload"] for item in items]))

    await queen.queue(queue_name).push([{"data": 0, "transactionId": "taken"}])
    queue = queen.queue(queue_name).buffer({"time_millis": 60_000})
    await queue.push([{"data": 1}]).on_success(on_success)
    await queue.push([{"data": 2, "transactionId": "taken"}]).on_success(on_success).on_duplicate(on_duplicate)
    assert told == []
    await queen.flush_all_buffers()
    assert told == [("success", [1]), ("duplicate", [2])]


async def test_pushes_that_were_accepted_in_a_flush_refused_in_part_are_told() -> None:
    told: List[Any] = []
    async with ScriptedServer(refusing("full", payload="bad")) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"time_millis": 60_000})
        await queue.push([{"data": "good"}]).on_success(lambda items: told.append(items[0]["payload"]))
        await queue.push([{"data": "bad"}]).on_error(lambda items, error: told.append(items[0]["payload"]))
        await queen.flush_all_buffers()
    assert told == ["good", "bad"]


async def test_a_callback_may_push_into_the_full_buffer_that_it_waits_for(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name).buffer({"message_count": 1, "max_size": 1, "time_millis": 60_000})
    pushed = asyncio.Event()

    async def again(items: object) -> None:
        await queue.push([{"data": 2}])
        await queue.push([{"data": 3}])
        pushed.set()

    await queue.push([{"data": 1}]).on_success(again)
    await asyncio.wait_for(pushed.wait(), 5)
    await queen.flush_all_buffers()
    assert await stored(queen, queue_name) == [1, 2, 3]


async def test_a_callback_that_never_returns_ends_with_the_client() -> None:
    ended = asyncio.Event()

    async def on_success(items: object) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async with ScriptedServer(queued) as server:
        async with Queen(server.url, timeout_millis=30) as queen:
            await queen.queue("q").buffer({"message_count": 1}).push([{"data": 1}]).on_success(on_success)
            await queen.flush_all_buffers()
    await asyncio.wait_for(ended.wait(), 5)
