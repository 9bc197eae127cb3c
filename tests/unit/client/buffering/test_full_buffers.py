"""A push waits while its buffer is full."""

from __future__ import annotations

import asyncio

from queen import Queen
from tests.scripted_server import ScriptedServer
from tests.unit.client.pushes import payloads, queued_after, stored


async def test_a_push_waits_while_the_buffer_is_full() -> None:
    release = asyncio.Event()

    async with ScriptedServer(queued_after(release)) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"message_count": 2, "max_size": 4, "time_millis": 60_000})
        for number in range(4):
            await queue.push([{"data": number}])
        fifth, sixth = (asyncio.ensure_future(queue.push([{"data": number}])) for number in (4, 5))
        await asyncio.wait_for(server.arrived.wait(), 5)
        assert not fifth.done()
        assert queen.get_buffer_stats()["totalBufferedMessages"] == 4
        release.set()
        await asyncio.wait_for(asyncio.gather(fifth, sixth), 5)
        await queen.flush_all_buffers()
        assert payloads(server) == [[0, 1], [2, 3], [4, 5]]


async def test_the_bound_is_four_flushes_where_nothing_is_said() -> None:
    release = asyncio.Event()

    async with ScriptedServer(queued_after(release)) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"message_count": 2, "time_millis": 60_000})
        for number in range(8):
            await queue.push([{"data": number}])
        ninth = asyncio.ensure_future(queue.push([{"data": 8}]))
        await asyncio.wait_for(server.arrived.wait(), 5)
        assert not ninth.done()
        release.set()
        await ninth


async def test_a_push_of_more_than_fits_is_taken_whole(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name).buffer({"message_count": 2, "max_size": 4, "time_millis": 60_000})
    assert await queue.push([{"data": number} for number in range(10)]) == {"buffered": True, "count": 10}
    await queen.flush_all_buffers()
    assert await stored(queen, queue_name) == list(range(10))


async def test_a_pusher_that_is_cancelled_while_it_waits_takes_its_message_back() -> None:
    release = asyncio.Event()

    async with ScriptedServer(queued_after(release)) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"message_count": 1, "max_size": 1, "time_millis": 60_000})
        await queue.push([{"data": "taken"}])
        waiting = asyncio.ensure_future(queue.push([{"data": "cancelled"}]))
        behind = asyncio.ensure_future(queue.push([{"data": "behind"}]))
        await asyncio.wait_for(server.arrived.wait(), 5)
        waiting.cancel()
        release.set()
        await behind
        await queen.flush_all_buffers()
        assert payloads(server) == [["taken"], ["behind"]]
