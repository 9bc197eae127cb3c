"""What buffers collect, when it is sent, and in which order."""

from __future__ import annotations

import asyncio
from typing import Any, List

import pytest

from queen import Queen
from tests.scripted_server import Answer, Received, ScriptedServer
from tests.unit.client.loop_clock import Clock
from tests.unit.client.pushes import items_of, payloads, queued, stored


async def test_a_full_buffer_goes_in_one_request(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name).buffer({"message_count": 3, "time_millis": 60_000})
    results = [await queue.push([{"data": n}]) for n in range(3)]
    assert results == [{"buffered": True, "count": 1}] * 3
    await queen.queue(queue_name).flush_buffer()
    assert await stored(queen, queue_name) == [0, 1, 2]
    assert queen.get_buffer_stats()["flushesPerformed"] == 1


async def test_an_old_message_is_sent_although_the_buffer_is_not_full() -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        await queen.queue("q").buffer({"message_count": 100, "time_millis": 5}).push([{"data": 1}])
        assert server.received == []
        await asyncio.wait_for(server.arrived.wait(), 5)
        assert payloads(server) == [[1]]


async def test_the_shortest_time_that_was_said_holds() -> None:
    for times in ((60_000, 5), (5, 60_000)):
        async with ScriptedServer(queued) as server, Queen(server.url) as queen:
            for millis in times:
                await queen.queue("q").buffer({"time_millis": millis}).push([{"data": millis}])
            await asyncio.wait_for(server.arrived.wait(), 5)
            assert payloads(server) == [list(times)]


async def test_the_stats_say_what_is_buffered(queen: Queen, queue_name: str) -> None:
    slow = {"message_count": 100, "time_millis": 60_000}
    assert queen.get_buffer_stats()["activeBuffers"] == 0
    await queen.queue(queue_name).buffer(slow).push([{"data": 1}, {"data": 2}])
    await queen.queue(queue_name).partition("p").buffer(slow).push([{"data": 3}])
    stats = queen.get_buffer_stats()
    assert (stats["activeBuffers"], stats["totalBufferedMessages"], stats["flushesPerformed"]) == (2, 3, 0)
    assert stats["oldestBufferAge"] >= 0
    await queen.flush_all_buffers()
    stats = queen.get_buffer_stats()
    assert (stats["activeBuffers"], stats["totalBufferedMessages"], stats["flushesPerformed"]) == (0, 0, 2)


async def test_flushing_nothing_does_nothing(queen: Queen, queue_name: str) -> None:
    await queen.flush_all_buffers()
    await queen.queue(queue_name).flush_buffer()
    assert queen.get_buffer_stats()["flushesPerformed"] == 0


async def test_flush_buffer_is_of_its_queue_and_partition_alone(queen: Queen, queue_name: str) -> None:
    slow = {"time_millis": 60_000}
    for partition in ("a", "b"):
        await queen.queue(queue_name).partition(partition).buffer(slow).push([{"data": partition}])
    await queen.queue(f"{queue_name}-2").create()
    await queen.queue(f"{queue_name}-2").buffer(slow).push([{"data": "other"}])
    await queen.queue(queue_name).partition("a").flush_buffer()
    assert queen.get_buffer_stats()["totalBufferedMessages"] == 2
    await queen.queue(queue_name).flush_buffer()
    assert queen.get_buffer_stats()["totalBufferedMessages"] == 1


async def test_order_holds_in_each_partition_through_many_flushes(queen: Queen, queue_name: str) -> None:
    for number in range(300):
        queue = queen.queue(queue_name).partition(f"p{number % 3}")
        await queue.buffer({"message_count": 7, "time_millis": 1}).push([{"data": number}])
    await queen.flush_all_buffers()
    for partition in range(3):
        found = await queen.queue(queue_name).partition(f"p{partition}").batch(200).pop()
        assert [message.data for message in found] == list(range(partition, 300, 3))


async def test_what_is_sent_is_what_was_pushed() -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        payload = {"state": "as pushed"}
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": payload}])
        payload["state"] = "changed later"
        await queen.flush_all_buffers()
        assert payloads(server) == [[{"state": "as pushed"}]]


async def test_buffers_of_different_queues_flush_side_by_side() -> None:
    both = asyncio.Event()
    arrived: List[str] = []

    async def answer(received: Received) -> Answer:
        arrived.append(items_of(received)[0]["queue"])
        if len(arrived) == 2:
            both.set()
        await both.wait()
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        for name in ("a", "b"):
            await queen.queue(name).buffer({"time_millis": 60_000}).push([{"data": 1}])
        await asyncio.wait_for(queen.flush_all_buffers(), 5)
    assert sorted(arrived) == ["a", "b"]


async def test_one_buffer_has_one_request_under_way() -> None:
    under_way, most = 0, 0

    async def answer(received: Received) -> Answer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"message_count": 5, "time_millis": 1})
        await asyncio.gather(*(queue.push([{"data": number}]) for number in range(100)))
        await asyncio.gather(*(queen.flush_all_buffers() for _ in range(5)))
        assert [payload for push in payloads(server) for payload in push] == list(range(100))
    assert most == 1


async def test_ten_thousand_messages_of_many_partitions_all_arrive(queen: Queen, queue_name: str) -> None:
    for number in range(10_000):
        queue = queen.queue(queue_name).partition(f"p{number % 10}")
        await queue.buffer({"message_count": 500, "time_millis": 100}).push([{"data": number}])
    await queen.flush_all_buffers()
    found = [await queen.queue(queue_name).partition(f"p{n}").batch(2000).pop() for n in range(10)]
    assert [[message.data for message in one] for one in found] == [list(range(n, 10_000, 10)) for n in range(10)]


async def test_a_payload_that_cannot_be_sent_is_refused_at_once(queen: Queen, queue_name: str) -> None:
    with pytest.raises(TypeError, match="JSON cannot hold"):
        await queen.queue(queue_name).buffer().push([{"data": object()}])
    assert queen.get_buffer_stats()["totalBufferedMessages"] == 0


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"message_cuont": 1}, ValueError, "did you mean 'message_count'"),
        ({"message_count": 0}, ValueError, "message_count=0"),
        ({"time_millis": "1s"}, TypeError, "time_millis='1s'"),
        ({"message_count": 10, "max_size": 5}, ValueError, "below message_count=10"),
        (7, TypeError, "options=7"),
    ],
)
def test_options_are_checked(options: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as raised:
        Queen("http://127.0.0.1:1").queue("q").buffer(options)
    assert words in str(raised.value)


async def test_options_may_be_in_camel_case(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name).buffer({"messageCount": 1, "timeMillis": 60_000})
    pushed = queue.push([{"data": 1}])
    assert await pushed == {"buffered": True, "count": 1}
    await queen.flush_all_buffers()
    assert await stored(queen, queue_name) == [1]


async def test_a_flush_does_not_wait_for_a_connection_in_the_time_of_its_request(clock: Clock) -> None:
    def slow(received: Received) -> Answer:
        clock.advance(0.4)
        return queued(received)

    async with ScriptedServer(slow) as server:
        async with Queen(server.url, max_connections=1, timeout_millis=1000, retry_attempts=0) as queen:
            for number in range(6):
                await queen.queue("q").partition(f"p{number}").buffer({"time_millis": 60_000}).push([{"data": number}])
            await queen.flush_all_buffers()
            assert queen.get_buffer_stats()["flushesFailed"] == 0
    assert len(server.received) == 6
