"""When a server is passed over, and when it is used again."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable

import pytest

from queen import ConnectionFailedError, Queen, QueenError, QueenTimeoutError
from tests.scripted_server import Answer, Drop, Hang, Received, Scripted, answers
from tests.unit.client.failover.servers import (
    BAD_GATEWAY,
    TRUNCATED,
    Servers,
    always,
    client,
    counts,
    in_time,
    once,
    pop,
    push,
)
from tests.unit.client.loop_clock import Clock

pytestmark = pytest.mark.sockets


@pytest.mark.parametrize(
    "failure",
    [Drop(), TRUNCATED, BAD_GATEWAY, Scripted(b"oops", 500), answers({"error": "no database"}, 503)],
    ids=["dropped", "truncated", "502", "500 without JSON", "503 with JSON"],
)
async def test_a_server_that_fails_is_passed_over_from_then_on(servers: Servers, failure: Answer) -> None:
    servers[0].play = once(failure)
    async with client(servers) as queen:
        await push(queen)
        assert counts(servers) == [1, 1, 0]
        await push(queen)
    assert counts(servers) == [1, 2, 0]


async def test_a_server_that_refuses_connections_is_passed_over_also_when_it_is_back(servers: Servers) -> None:
    async with client(servers) as queen:
        await servers[0].die()
        await push(queen)
        await servers[0].revive()
        await push(queen)
    assert counts(servers) == [0, 2, 0]


async def test_a_server_that_does_not_answer_in_time_is_passed_over(servers: Servers, clock: Clock) -> None:
    servers[0].play = once(Hang())
    async with client(servers) as queen:
        pushing = asyncio.ensure_future(push(queen))
        await servers[0].arrived.wait()
        clock.advance(30)
        with pytest.raises(QueenTimeoutError):
            await pushing
        await push(queen)
    assert counts(servers) == [1, 1, 0]


async def test_a_long_poll_that_is_not_answered_says_nothing_of_its_server(servers: Servers, clock: Clock) -> None:
    servers[0].play = once(Hang())
    async with client(servers) as queen:
        polling = asyncio.ensure_future(queen.queue("q").wait().timeout_millis(10_000).pop())
        await servers[0].arrived.wait()
        clock.advance(20)
        assert await polling == []
        await push(queen)
    assert counts(servers) == [2, 0, 0]


@pytest.mark.parametrize(
    "refusal",
    [
        answers({"error": "type must be string"}, 500),
        answers({"error": "bad request"}, 400),
        answers({"error": "no token"}, 401),
        Scripted(b"<html>not found</html>", 404),
        answers({"error": "the queue is full"}),
    ],
    ids=["500 with JSON", "400", "401", "404", "200"],
)
async def test_a_refusal_goes_to_no_other_server_and_leaves_its_server_healthy(
    servers: Servers, refusal: Answer
) -> None:
    servers[0].play = once(refusal)
    async with client(servers) as queen:
        with pytest.raises(QueenError):
            await push(queen)
        assert counts(servers) == [1, 0, 0]
        await push(queen)
    assert counts(servers) == [2, 0, 0]


@pytest.mark.parametrize("ask", [push, pop])
async def test_a_server_that_is_asked_too_much_hands_over_one_request_and_stays_healthy(
    servers: Servers, ask: Callable[[Queen], Awaitable[Any]]
) -> None:
    servers[0].play = once(answers({"error": "slow down"}, 429))
    async with client(servers) as queen:
        await ask(queen)
        assert counts(servers) == [1, 1, 0]
        await ask(queen)
    assert counts(servers) == [2, 1, 0]


async def test_a_server_is_used_again_when_its_time_is_over(servers: Servers, clock: Clock) -> None:
    servers[0].play = once(Drop())
    async with client(servers, health_retry_after_millis=60_000) as queen:
        await push(queen)
        clock.advance(55)
        await push(queen)
        assert counts(servers) == [1, 2, 0]
        clock.advance(5)
        await push(queen)
        await push(queen)
    assert counts(servers) == [3, 2, 0]


async def test_a_server_that_fails_again_waits_anew(servers: Servers, clock: Clock) -> None:
    servers[0].play = always(Drop())
    async with client(servers, health_retry_after_millis=60_000) as queen:
        await push(queen)
        clock.advance(60)
        await push(queen)
        assert counts(servers) == [2, 2, 0]
        clock.advance(55)
        await push(queen)
        assert counts(servers) == [2, 3, 0]
        clock.advance(5)
        await push(queen)
    assert counts(servers) == [3, 4, 0]


async def test_a_server_that_may_be_back_is_tried_by_one_request_while_others_pass_it_over(
    servers: Servers, clock: Clock
) -> None:
    servers[0].play = once(Drop())
    async with client(servers, health_retry_after_millis=60_000, timeout_millis=600_000) as queen:
        await push(queen)
        servers[0].play = always(Hang())
        servers[0].arrived.clear()
        clock.advance(60)
        trying = asyncio.ensure_future(push(queen))
        await servers[0].arrived.wait()
        # It accepts connections and answers nothing: only one request waits for that, and one more in each interval.
        await in_time(push(queen))
        await in_time(push(queen))
        assert counts(servers) == [2, 3, 0]
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying


async def test_when_all_have_failed_they_are_tried_all_the_same(servers: Servers) -> None:
    for server in servers:
        server.play = always(Drop())
    servers[1].play = once(Drop())
    async with client(servers) as queen:
        with pytest.raises(ConnectionFailedError):
            await push(queen)
        assert counts(servers) == [1, 1, 1]
        await push(queen)
    assert counts(servers) == [2, 2, 1]


async def test_a_server_that_failed_is_better_than_none(servers: Servers) -> None:
    servers[0].play = once(Drop())
    async with client(servers) as queen:
        await push(queen)
        await servers[1].die()
        await servers[2].die()
        await push(queen)
    assert counts(servers) == [2, 1, 0]


async def test_a_server_that_got_only_the_rest_of_a_deadline_is_not_marked(servers: Servers, clock: Clock) -> None:
    def slow(_: Received) -> Answer:
        clock.advance(9.95)
        return BAD_GATEWAY

    servers[0].play, servers[1].play = slow, once(Hang())
    async with client(servers, timeout_millis=10_000) as queen:
        with pytest.raises(QueenTimeoutError):
            await in_time(push(queen))
        await push(queen)
    assert counts(servers) == [1, 2, 0]
