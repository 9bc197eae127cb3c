"""Closing sends what is buffered, and hands back what it could not send."""

from __future__ import annotations

import asyncio
from typing import List

import pytest

from queen import BufferClosedError, Queen, QueenBufferError, QueenError
from tests.scripted_server import Answer, Drop, Hang, Received, Scripted, ScriptedServer, answers
from tests.unit.client.pushes import queued, stored


async def test_close_sends_what_is_buffered(server_url: str, queue_name: str) -> None:
    async with Queen(server_url) as other:
        async with Queen(server_url) as queen:
            await queen.queue(queue_name).buffer({"time_millis": 60_000}).push([{"data": 1}])
        assert await stored(other, queue_name) == [1]


async def test_close_hands_back_every_message_that_it_could_not_send() -> None:
    async with ScriptedServer(lambda _: Drop()) as server:
        queen = Queen(server.url, timeout_millis=50, retry_delay_millis=1000)
        for partition in ("a", "b"):
            queue = queen.queue("q").partition(partition).buffer({"time_millis": 60_000})
            await queue.push([{"data": partition, "transactionId": partition}])
        with pytest.raises(QueenBufferError, match="2 buffered messages") as raised:
            await queen.close()
        assert raised.value.unsent == [
            {"data": name, "transactionId": name, "queue": "q", "partition": name} for name in ("a", "b")
        ]
        await queen.close()


@pytest.mark.parametrize(("answer", "delivered"), [(Drop(), True), (Hang(), True), (Scripted(b"", 429), False)])
async def test_what_could_not_be_sent_tells_whether_it_may_have_been_stored(answer: Answer, delivered: bool) -> None:
    async with ScriptedServer(lambda _: answer) as server:
        queen = Queen(server.url, timeout_millis=100, retry_attempts=0, retry_delay_millis=10_000)
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}])
        with pytest.raises(QueenBufferError) as flushed:
            await queen.flush_all_buffers()
        with pytest.raises(QueenBufferError) as closed:
            await queen.close()
    assert flushed.value.maybe_delivered == closed.value.maybe_delivered == delivered


async def test_a_close_that_is_cancelled_as_it_waits_for_a_callback_is_told_the_rest_by_the_next() -> None:
    async def never_ends(*_: object) -> None:
        await asyncio.Event().wait()

    async with ScriptedServer(lambda _: answers({"error": "no"}, 400)) as server:
        queen = Queen(server.url, timeout_millis=300)
        for name in ("a", "b"):
            push = queen.queue("q").partition(name).buffer({"time_millis": 60_000}).push([{"data": name}])
            await (push.on_error(never_ends) if name == "a" else push)
        closing = asyncio.ensure_future(queen.close())
        await asyncio.sleep(0)
        while queen.get_buffer_stats()["activeBuffers"]:  # noqa: ASYNC110  (nothing else tells)
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait({closing})
        assert closing.cancelled()
        with pytest.raises(QueenBufferError) as raised:
            await queen.close()
        assert [item["data"] for item in raised.value.unsent] == ["b"]
        await queen.close()


async def test_a_flush_that_a_cancelled_close_cuts_off_may_have_been_stored() -> None:
    script: List[Answer] = [Hang()]
    async with ScriptedServer(lambda _: script.pop() if script else Scripted(b"", 429)) as server:
        queen = Queen(server.url, timeout_millis=500, retry_attempts=0, retry_delay_millis=10_000)
        await queen.queue("q").buffer({"message_count": 1}).push([{"data": 1}])
        await asyncio.wait_for(server.arrived.wait(), 5)
        closing = asyncio.ensure_future(queen.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        # The server takes nothing of what is sent now; it may have taken what was sent before.
        with pytest.raises(QueenBufferError) as raised:
            await queen.close()
    assert raised.value.maybe_delivered


async def test_what_close_hands_back_says_why_and_can_be_pushed_again(queen: Queen, queue_name: str) -> None:
    async with ScriptedServer(lambda _: answers({"error": "no room"}, 400)) as server:
        broken = Queen(server.url)
        await broken.queue(queue_name).buffer({"time_millis": 60_000}).push([{"data": 1}])
        with pytest.raises(QueenBufferError, match=r"could not be sent: .*no room") as raised:
            await broken.close()
    assert raised.value.__cause__ is not None
    for item in raised.value.unsent:
        await queen.queue(str(item["queue"])).partition(str(item["partition"])).push([item])
    assert await stored(queen, queue_name) == [1]


async def test_a_pusher_that_waits_when_the_client_closes_gets_its_message_back() -> None:
    async with ScriptedServer(lambda _: Drop()) as server:
        queen = Queen(server.url, timeout_millis=50, retry_delay_millis=1000)
        queue = queen.queue("q").buffer({"message_count": 1, "max_size": 1, "time_millis": 60_000})
        await queue.push([{"data": "held"}])
        waiting = asyncio.ensure_future(queue.push([{"data": "waiting"}]))
        await asyncio.wait_for(server.arrived.wait(), 5)
        with pytest.raises(QueenBufferError) as closed:
            await queen.close()
        with pytest.raises(BufferClosedError) as refused:
            await waiting
        assert [item["data"] for item in closed.value.unsent] == ["held"]
        assert [item["data"] for item in refused.value.unsent] == ["waiting"]


async def test_a_flush_that_waits_when_the_client_closes_is_told() -> None:
    async with ScriptedServer(lambda _: Hang()) as server:
        queen = Queen(server.url, timeout_millis=200)
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}])
        flushing = asyncio.ensure_future(queen.flush_all_buffers())
        await asyncio.wait_for(server.arrived.wait(), 5)
        with pytest.raises(QueenBufferError):
            await queen.close()
        with pytest.raises(QueenBufferError):
            await asyncio.wait_for(flushing, 5)


async def test_a_push_after_close_is_refused_with_its_items(server_url: str) -> None:
    queen = Queen(server_url)
    queue = queen.queue("q").buffer()
    await queen.close()
    with pytest.raises(BufferClosedError) as raised:
        await queue.push([{"data": 1}])
    assert [item["data"] for item in raised.value.unsent] == [1]


async def test_a_push_that_meets_close_is_refused_or_sent_and_never_lost() -> None:
    release, asked = asyncio.Event(), asyncio.Event()

    async def answer(received: Received) -> Answer:
        if received.target == "/health":
            asked.set()
            await release.wait()
            return answers({"status": "healthy", "server": "libqueen"})
        return queued(received)

    async with ScriptedServer(answer) as server:
        queen = Queen(server.url)
        # A name with a colon: the client asks first what the server is.
        pushing = asyncio.ensure_future(queen.queue("a:b").buffer({"time_millis": 60_000}).push([{"data": 1}]))
        await asyncio.wait_for(asked.wait(), 5)
        closing = asyncio.ensure_future(queen.close())
        await asyncio.sleep(0)
        release.set()
        outcome, _ = await asyncio.wait_for(asyncio.gather(pushing, closing, return_exceptions=True), 5)
    assert isinstance(outcome, QueenError), outcome
    assert [item["data"] for item in outcome.unsent] == [1]


async def test_a_close_that_is_cancelled_loses_nothing() -> None:
    async with ScriptedServer(lambda _: Drop()) as server:
        queen = Queen(server.url, timeout_millis=60_000)
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}])
        closing = asyncio.ensure_future(queen.close())
        await asyncio.wait_for(server.arrived.wait(), 5)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        with pytest.raises(QueenBufferError) as raised:
            await queen.close()
        assert [item["data"] for item in raised.value.unsent] == [1]


async def test_of_two_closes_one_hands_the_messages_back() -> None:
    async with ScriptedServer(lambda _: Hang()) as server:
        queen = Queen(server.url, timeout_millis=200)
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}])
        closed = await asyncio.gather(queen.close(), queen.close(), return_exceptions=True)
    assert sorted(type(result).__name__ for result in closed) == ["NoneType", "QueenBufferError"]


async def test_a_client_that_is_never_closed_warns_of_the_messages_that_it_loses() -> None:
    queen = Queen("http://127.0.0.1:1", timeout_millis=20)
    await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}, {"data": 2}])
    buffers = queen._services.buffers
    with pytest.warns(RuntimeWarning, match="2 buffered messages are lost"):
        buffers.__del__()
    with pytest.raises(QueenBufferError):
        await queen.close()
