"""A consumer that runs beside the program, and what it tells of itself."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import datetime, timedelta, timezone
from typing import Any, List

import pytest

from queen import AuthenticationError, ClientClosedError, ConsumerHandle, Message, Queen
from tests.scripted_server import Hang, ScriptedServer, answers

SOON = 5


async def test_it_tells_what_it_has_done(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": n} for n in range(3)])
    done = asyncio.Event()

    def handler(message: Message) -> None:
        if message.data == 2:
            done.set()
            raise ValueError("two is bad")

    before = datetime.now(timezone.utc)
    handle = queen.queue(queue_name).config({"retryLimit": 0}).group("billing").consume(handler).start()
    assert (handle.running, handle.last_poll_at, handle.handled, handle.failed) == (True, None, 0, 0)
    await asyncio.wait_for(done.wait(), SOON)
    handle.stop()
    await asyncio.wait_for(handle.stopped(), SOON)
    assert handle.handled == 2
    assert handle.failed >= 1
    assert str(handle.last_error) == "two is bad"
    assert handle.last_poll_at is not None
    assert before - timedelta(seconds=1) < handle.started_at <= handle.last_poll_at
    status = json.loads(json.dumps(handle.status()))
    assert (status["running"], status["handled"], status["in_hand"]) == (False, 2, 0)
    assert status["last_error"] == "ValueError: two is bad"
    assert status["name"] == f"{queue_name} (billing)"
    assert datetime.fromisoformat(status["last_poll_at"]) == handle.last_poll_at


@pytest.mark.parametrize("each", [False, True])
async def test_it_tells_what_handlers_have_in_hand(queen: Queen, queue_name: str, each: bool) -> None:
    await queen.queue(queue_name).push([{"data": n} for n in range(3)])
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(messages: Any) -> None:
        begun.set()
        await go_on.wait()

    async with queen.queue(queue_name).batch(3).each(each).consume(handler).start() as handle:
        await asyncio.wait_for(begun.wait(), SOON)
        assert handle.in_hand == (1 if each else 3)
        go_on.set()
    assert (handle.in_hand, handle.running) == (0, False)
    # Stopped, it finishes the message at hand and gives the others back.
    assert handle.handled == (1 if each else 3)


async def test_it_tells_how_far_its_group_is_behind(queen: Queen, queue_name: str) -> None:
    builder = queen.queue(queue_name)
    await builder.partition("a").push([{"data": n} for n in range(5)])
    await builder.partition("b").push([{"data": n} for n in range(2)])
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(message: Message) -> None:
        begun.set()
        await go_on.wait()

    async with builder.group("billing").partition("a").consume(handler).start() as handle:
        await asyncio.wait_for(begun.wait(), SOON)
        lag = await handle.lag()
        assert (lag["messages"], lag["partitions"], lag["partitions_not_begun"]) == (5, 1, 0)
        assert 0 <= lag["seconds"] < 60
        go_on.set()


async def test_partitions_that_it_has_not_begun_are_told_apart(
    queen: Queen, queue_name: str, server_dialect: str
) -> None:
    builder = queen.queue(queue_name)
    for name in "abc":
        await builder.partition(name).push([{"data": name}])
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(message: Message) -> None:
        begun.set()
        await go_on.wait()

    async with builder.consume(handler).start() as handle:
        await asyncio.wait_for(begun.wait(), SOON)
        if server_dialect != "0.7":
            await queen.admin.refresh_consumer_stats()
        lag = await handle.lag()
        assert (lag["messages"], lag["partitions"], lag["partitions_not_begun"]) == (1, 1, 2)
        go_on.set()


async def test_the_lag_of_a_namespace_is_that_of_its_queues(queen: Queen, queue_name: str) -> None:
    name = f"{queue_name}-space"
    for queue in (f"{queue_name}-1", f"{queue_name}-2"):
        await queen.queue(queue).namespace(name).create()
        await queen.queue(queue).push([{"data": n} for n in range(4)])
    begun, go_on = asyncio.Event(), asyncio.Event()
    seen = []

    async def handler(message: Message) -> None:
        seen.append(message.queue)
        if len(set(seen)) == 2:
            begun.set()
            await go_on.wait()

    async with queen.queue().namespace(name).group("g").consume(handler).start() as handle:
        await asyncio.wait_for(begun.wait(), SOON)
        lag = await handle.lag()
        assert lag["messages"] == 8 - (len(seen) - 1)
        assert handle.status()["name"] == f"namespace {name} (g)"
        go_on.set()


async def test_a_queue_that_there_is_not_leaves_nothing_to_do(queen: Queen, queue_name: str) -> None:
    async with queen.queue(f"{queue_name}-none").consume(lambda message: None).start() as handle:
        assert await handle.lag() == {"messages": 0, "seconds": 0, "partitions": 0, "partitions_not_begun": 0}


async def test_a_group_that_no_path_can_hold_says_so(queen: Queen, queue_name: str) -> None:
    async with queen.queue(queue_name).group("a/b").consume(lambda message: None).start() as handle:
        with pytest.raises(ValueError, match="'a/b' is behind, no server can be asked"):
            await handle.lag()


async def test_a_limit_ends_it(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}])
    handle = queen.queue(queue_name).limit(1).consume(lambda message: None).start()
    await asyncio.wait_for(handle, SOON)
    assert (handle.running, handle.handled) == (False, 1)


async def test_who_stops_waiting_does_not_stop_it(queen: Queen, queue_name: str) -> None:
    async with queen.queue(queue_name).consume(lambda message: None).start() as handle:
        waiting = asyncio.ensure_future(handle.stopped())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert handle.running


async def test_closing_the_client_ends_it(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}])
    begun = asyncio.Event()
    finished: List[int] = []

    async def handler(message: Message) -> None:
        begun.set()
        await asyncio.sleep(0)
        finished.append(message.data)

    handle = queen.queue(queue_name).consume(handler).start()
    await asyncio.wait_for(begun.wait(), SOON)
    await queen.close()
    assert (handle.running, finished) == (False, [1])
    await handle


async def test_closing_the_client_before_it_has_begun_ends_it_in_peace(queen: Queen, queue_name: str) -> None:
    handle = queen.queue(queue_name).consume(lambda message: None).start()
    await queen.close()
    await asyncio.wait_for(handle, SOON)
    assert handle.last_error is None


async def test_what_ends_it_is_raised_to_all_who_wait_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedServer(lambda _: answers({"error": "Unauthorized"}, 401)) as server:
        async with Queen(server.url, dialect="0.15") as queen:
            handle = queen.queue("q").consume(lambda message: None).start()
            for _ in range(2):
                with pytest.raises(AuthenticationError):
                    await asyncio.wait_for(handle, SOON)
            assert isinstance(handle.last_error, AuthenticationError)
            assert (handle.running, handle.last_poll_at) == (False, None)
    assert "AuthenticationError" in str(handle.status()["last_error"])
    assert [record.levelname for record in caplog.records if "ConsumerHandle" in record.message] == ["ERROR"]


async def test_what_ends_it_is_not_lost_where_nobody_waits(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedServer(lambda _: answers({"error": "Unauthorized"}, 401)) as server:
        async with Queen(server.url, dialect="0.15") as queen:
            handle = queen.queue("q").consume(lambda message: None).start()
            while handle.running:  # noqa: ASYNC110  (nobody may wait for it)
                await asyncio.sleep(0.001)
            del handle
    said = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in said] == ["queen"]
    assert "never retrieved" not in caplog.text


async def test_the_end_of_a_block_that_raised_keeps_its_error() -> None:
    async with ScriptedServer(lambda _: answers({"error": "Unauthorized"}, 401)) as server:
        async with Queen(server.url, dialect="0.15") as queen:
            with pytest.raises(KeyError):
                async with queen.queue("q").consume(lambda message: None).start():
                    raise KeyError("the program's own")


async def test_a_poll_that_fails_shows_and_is_repeated() -> None:
    async with ScriptedServer(lambda _: answers("bad gateway", 502)) as server:
        async with Queen(server.url, dialect="0.15", retry_attempts=0) as queen:
            async with queen.queue("q").consume(lambda message: None).start() as handle:
                while handle.last_error is None:  # noqa: ASYNC110  (nothing tells of a failure but this)
                    await asyncio.sleep(0.001)
                assert handle.running
                assert handle.last_poll_at is None
                assert handle.seconds_since_poll >= 0


async def test_a_poll_that_is_under_way_is_no_answer() -> None:
    async with ScriptedServer(lambda _: Hang()) as server, Queen(server.url, dialect="0.15") as queen:
        handle = queen.queue("q").consume(lambda message: None).start()
        await asyncio.wait_for(server.arrived.wait(), SOON)
        assert handle.last_poll_at is None
        handle.stop()
        await asyncio.wait_for(handle, SOON)


async def test_it_is_started_once(queen: Queen, queue_name: str) -> None:
    consuming = queen.queue(queue_name).consume(lambda message: None)
    handle: ConsumerHandle = consuming.start()
    with pytest.raises(RuntimeError, match=r"start\(\) came after"):
        consuming.start()
    with pytest.raises(RuntimeError, match="already awaited"):
        await consuming
    assert handle.running
    assert "running" in repr(handle)


async def test_a_client_that_is_closed_starts_nothing(queen: Queen, queue_name: str) -> None:
    consuming = queen.queue(queue_name).consume(lambda message: None)
    await queen.close()
    with pytest.raises(ClientClosedError):
        consuming.start()
    with pytest.raises(ClientClosedError):
        await consuming


def test_it_needs_a_running_loop() -> None:
    consuming = Queen("http://127.0.0.1:1").queue("q").consume(lambda message: None)
    with pytest.raises(RuntimeError, match="no running event loop"):
        consuming.start()
    consuming.close()
