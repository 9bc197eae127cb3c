"""Where the requests of a server that fails go, how often they are sent, and which servers an error names."""

from __future__ import annotations

import pytest

from queen import ConnectionFailedError, HttpStatusError
from tests.scripted_server import Drop
from tests.unit.client.failover.servers import BAD_GATEWAY, Servers, always, client, counts, lost, once, pop, push

pytestmark = pytest.mark.sockets


async def test_a_request_goes_on_along_the_ring(servers: Servers) -> None:
    async with client(servers) as queen:
        await servers[0].die()
        await push(queen)
        assert counts(servers) == [0, 1, 0]
        await servers[1].die()
        await push(queen)
    assert counts(servers) == [0, 1, 1]


async def test_without_failover_a_request_fails_with_its_server(servers: Servers) -> None:
    servers[0].play = always(Drop())
    async with client(servers, enable_failover=False, retry_attempts=2) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await push(queen)
    assert raised.value.attempts == {servers[0].url: 3}
    assert counts(servers) == [3, 0, 0]


async def test_without_failover_a_key_keeps_to_its_server(servers: Servers) -> None:
    servers[0].play = once(Drop())
    async with client(servers, enable_failover=False) as queen:
        with pytest.raises(ConnectionFailedError):
            await push(queen)
        await push(queen)
    assert counts(servers) == [2, 0, 0]


async def test_a_request_is_repeated_on_its_server_before_it_goes_on(servers: Servers) -> None:
    servers[0].play = servers[1].play = always(BAD_GATEWAY)
    async with client(servers, retry_attempts=2) as queen:
        await push(queen)
    assert counts(servers) == [3, 3, 1]


async def test_a_server_that_answers_the_repeat_keeps_the_request(servers: Servers) -> None:
    servers[0].play = once(BAD_GATEWAY)
    async with client(servers, retry_attempts=1) as queen:
        await push(queen)
        await push(queen)
    assert counts(servers) == [3, 0, 0]


async def test_when_no_server_can_be_reached_each_is_named_with_its_count(servers: Servers) -> None:
    async with client(servers, retry_attempts=2) as queen:
        for server in servers:
            await server.die()
        with pytest.raises(ConnectionFailedError) as raised:
            await push(queen)
    assert list(raised.value.attempts.items()) == [(server.url, 3) for server in servers]
    assert all(f"{server.url} (3 times)" in str(raised.value) for server in servers)
    assert not raised.value.maybe_delivered
    assert [item["data"] for item in raised.value.unsent] == [1]


async def test_when_all_servers_answer_5xx_the_last_ones_words_are_told(servers: Servers) -> None:
    for server in servers:
        server.play = always(BAD_GATEWAY)
    async with client(servers) as queen:
        with pytest.raises(HttpStatusError) as raised:
            await push(queen)
    assert (raised.value.status, raised.value.url) == (502, servers[2].url)
    assert counts(servers) == [1, 1, 1]


async def test_when_all_servers_answer_5xx_each_is_named(servers: Servers) -> None:
    for server in servers:
        server.play = always(BAD_GATEWAY)
    async with client(servers) as queen:
        with pytest.raises(HttpStatusError) as raised:
            await push(queen)
    assert raised.value.attempts == {server.url: 1 for server in servers}


async def test_the_error_of_an_ack_names_all_servers_that_were_tried(servers: Servers) -> None:
    for server in servers:
        server.play = lost("ack", Drop())
    async with client(servers) as queen:
        message = await pop(queen)
        with pytest.raises(ConnectionFailedError) as raised:
            await message.ack()
    assert raised.value.attempts == {servers[0].url: 1, servers[1].url: 1}
