"""Consumers go on with the next server, and lose nothing."""

from __future__ import annotations

import asyncio
from typing import Any, List

import pytest

from queen import Message
from queen.broker import open_broker
from queen.transport.engines.in_process import InProcessEngine
from tests.scripted_server import Answer, Drop, Hang, Received, Scripted
from tests.unit.client.failover.servers import (
    Play,
    Server,
    Servers,
    always,
    batch,
    client,
    counts,
    in_time,
    usual,
)
from tests.unit.client.loop_clock import Clock

pytestmark = pytest.mark.sockets


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The consumer's backoff is a random part of a second; here it is the least part."""
    monkeypatch.setattr("queen.transport.retry.random.uniform", lambda least, _most: least)


def script(*steps: Answer) -> Play:
    """These answers to the pops, one after another, and the usual ones to all else."""
    left = list(steps)
    return lambda received: left.pop(0) if received.method == "GET" else usual(received)


def routes(server: Server) -> List[str]:
    """What a server was asked, in order: pops and the messages that were acknowledged."""
    asked = []
    for received in server.received:
        body: Any = None if received.method == "GET" else received.json
        asked.append("pop" if body is None else f"ack {body['transactionId']}")
    return asked


async def test_a_consumer_goes_on_with_the_next_server_and_returns_to_the_first(
    servers: Servers, clock: Clock, no_jitter: None
) -> None:
    first, second, third = servers
    first.play = script(batch("a"), batch("c"))
    second.play = script(batch("b"))
    handled: List[str] = []

    async def handler(message: Message) -> None:
        handled.append(message.data)
        if message.data == "a":
            await first.die()
        if message.data == "b":
            await first.revive()
            clock.advance(5)

    async with client(servers, health_retry_after_millis=5000) as queen:
        await in_time(queen.queue("q").limit(3).consume(handler))
    assert handled == ["a", "b", "c"]
    assert routes(first) == ["pop", "ack b", "pop", "ack c"]
    assert routes(second) == ["ack a", "pop"]
    assert routes(third) == []


async def test_a_consumer_whose_poll_breaks_polls_the_next_server(
    servers: Servers, clock: Clock, no_jitter: None
) -> None:
    first, second, _ = servers
    first.play = always(Hang())
    second.play = script(batch("a"))
    handled: List[str] = []
    async with client(servers) as queen:
        consumer = queen.queue("q").limit(1).consume(lambda message: handled.append(message.data))
        consuming = asyncio.ensure_future(in_time(consumer))
        await first.arrived.wait()
        await first.die()
        await consuming
    assert handled == ["a"]
    assert (routes(first), routes(second)) == (["pop"], ["pop", "ack a"])


async def test_a_consumer_of_two_servers_with_one_database_loses_nothing_when_one_dies(
    servers: Servers, no_jitter: None
) -> None:
    broker = open_broker("memory://")
    engine = InProcessEngine(broker.app, broker.close)

    async def forward(received: Received) -> Answer:
        headers = [(b"content-type", b"application/json")]
        reply = await engine.send("", received.target, received.method, headers, received.body, 0.0)
        return Scripted(reply.body, reply.status)

    async def dies_with_the_third_ack(received: Received) -> Answer:
        answer = await forward(received)
        # The ack took effect; its answer is lost, and all that comes after it.
        return Drop() if sum("/ack" in request.target for request in servers[0].received) >= 3 else answer

    for server in servers:
        server.play = forward
    handled: List[int] = []
    async with client(servers) as queen:
        await queen.queue("q").push([{"data": n} for n in range(40)])
        servers[0].play = dies_with_the_third_ack
        consumer = queen.queue("q").batch(5).limit(40)
        await consumer.consume(lambda batch: handled.extend(message.data for message in batch))
        assert await queen.queue("q").pop() == []
    await engine.close()
    assert handled == list(range(40))
    assert counts(servers)[1] > 5
    assert counts(servers)[2] == 0
