"""Repeats and servers share one deadline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from queen import QueenError, QueenTimeoutError
from tests.scripted_server import Answer, Hang, Received, answers
from tests.unit.client.failover.servers import (
    BAD_GATEWAY,
    Servers,
    always,
    client,
    counts,
    in_time,
    let_all_run,
    lost,
    pop,
    push,
)
from tests.unit.client.loop_clock import Clock

pytestmark = pytest.mark.sockets


async def test_a_server_that_hangs_takes_no_more_than_the_timeout(servers: Servers, clock: Clock) -> None:
    servers[0].play = always(Hang())
    async with client(servers, timeout_millis=10_000, retry_attempts=3) as queen:
        started = clock.time()
        pushing = asyncio.ensure_future(in_time(push(queen)))
        await servers[0].arrived.wait()
        clock.advance(5)
        await let_all_run()
        assert not pushing.done()
        clock.advance(5)
        with pytest.raises(QueenTimeoutError) as raised:
            await pushing
        assert clock.time() - started < 15
    assert raised.value.timeout_millis == 10_000
    assert raised.value.attempts == {servers[0].url: 1}
    assert counts(servers) == [1, 0, 0]


async def test_repeats_and_servers_share_one_deadline(servers: Servers, clock: Clock) -> None:
    def slow(_: Received) -> Answer:
        clock.advance(3)
        return BAD_GATEWAY

    servers[0].play = slow
    servers[1].play = always(Hang())
    async with client(servers, timeout_millis=10_000, retry_attempts=1) as queen:
        started = clock.time()
        pushing = asyncio.ensure_future(in_time(push(queen)))
        await servers[1].arrived.wait()
        # Six seconds went by on the first server. With a deadline of its own the second would have ten.
        clock.advance(4)
        with pytest.raises(QueenTimeoutError) as raised:
            await pushing
        assert clock.time() - started < 15
    assert raised.value.attempts == {servers[0].url: 2, servers[1].url: 1}
    assert f"{servers[0].url} (2 times), {servers[1].url} (once)" in str(raised.value)
    assert counts(servers) == [2, 1, 0]


async def test_a_pause_beyond_the_deadline_is_not_made_and_the_next_server_asked(servers: Servers) -> None:
    servers[0].play = always(answers({"error": "starting"}, 503, retry_after="3600"))
    async with client(servers, retry_attempts=3) as queen:
        await push(queen)
    assert counts(servers) == [1, 1, 0]


async def pass_time(clock: Clock, task: asyncio.Future[Any]) -> None:
    """Let the loop's time run until a task ends."""
    while not task.done():
        clock.advance(1)
        await let_all_run()
        await asyncio.sleep(0.005)  # sockets need real time


async def test_an_ack_takes_no_longer_than_timeout_millis(servers: Servers, clock: Clock) -> None:
    for server in servers:
        server.play = lost("ack", Hang())
    async with client(servers, timeout_millis=10_000) as queen:
        message = await pop(queen)
        started = clock.time()
        acking = asyncio.ensure_future(message.ack())
        await pass_time(clock, acking)
        with pytest.raises(QueenTimeoutError):
            await acking
        assert clock.time() - started < 15


async def test_a_commit_takes_no_longer_than_timeout_millis(servers: Servers, clock: Clock) -> None:
    for server in servers:
        server.play = lost("transaction", Hang())
    async with client(servers, timeout_millis=10_000) as queen:
        started = clock.time()
        committing = asyncio.ensure_future(queen.transaction().queue("q").push([{"data": 1}]).commit())
        await pass_time(clock, committing)
        with pytest.raises(QueenError):
            await committing
        assert clock.time() - started < 15
