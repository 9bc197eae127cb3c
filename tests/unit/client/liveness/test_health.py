"""How each server is, whatever the others are."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any, AsyncIterator

import pytest

from queen import ClientClosedError, Queen
from tests.scripted_server import Drop, Hang, Received, Scripted, ScriptedServer, answers
from tests.unit.client.failover.servers import BAD_GATEWAY, Server, Servers, always, client, counts, push

HEALTHY = {"status": "healthy", "database": "connected", "server": "C++ Queen Server (libqueen)", "version": "1.0.0"}


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    async with Server() as first, Server() as second, Server() as third:
        for server in (first, second, third):
            server.play = always(answers(HEALTHY))
        yield first, second, third


async def test_the_server_tells_what_it_is(queen: Queen, server_url: str, server_dialect: str) -> None:
    [server] = await queen.health()
    assert server["url"] == server_url
    assert (server["reachable"], server["healthy"], server["in_rotation"]) == (True, True, True)
    assert server["dialect"] == ("0.7" if server_dialect == "0.7" else "0.15")
    assert (server["version"], server["database"], server["error"]) == ("1.0.0", "connected", None)
    assert server["latency_millis"] is not None
    assert server["clock_skew_millis"] is None


async def test_the_time_of_the_server_is_asked_on_request(queen: Queen) -> None:
    [server] = await queen.health(clock=True)
    skew = server["clock_skew_millis"]
    assert skew is not None
    assert abs(skew) <= 1000


async def test_each_server_is_asked_once_and_for_itself(servers: Servers) -> None:
    first, second, third = servers
    first.play = always(Drop())
    second.play = always(BAD_GATEWAY)
    async with client(servers, retry_attempts=3) as queen:
        found = await queen.health()
    assert counts(servers) == [1, 1, 1]
    assert [server["url"] for server in found] == [first.url, third.url, second.url]
    assert [server["reachable"] for server in found] == [False, True, False]
    lost, well, gateway = found
    assert lost["error"]
    assert gateway["error"] is not None
    assert "502" in gateway["error"]
    assert (well["error"], well["dialect"]) == (None, "0.15")


async def test_a_server_that_does_not_answer_holds_up_no_other(servers: Servers) -> None:
    servers[0].play = always(Hang())
    started = time.monotonic()
    async with client(servers) as queen:
        found = await queen.health(timeout_millis=100)
    assert time.monotonic() - started < 5
    assert [server["healthy"] for server in found] == [False, True, True]
    assert found[0]["error"] == "no answer within 100 ms"
    assert found[0]["latency_millis"] is None


async def test_a_server_whose_database_is_away_can_be_reached(servers: Servers) -> None:
    servers[0].play = always(answers({**HEALTHY, "status": "unhealthy", "database": "disconnected"}, 503))
    servers[1].play = always(answers({**HEALTHY, "status": "unhealthy", "database": "disconnected"}))
    async with client(servers) as queen:
        ill, _, old = await queen.health()
    for server in (ill, old):
        assert (server["reachable"], server["healthy"], server["database"]) == (True, False, "disconnected")
        assert server["error"] == "its database is disconnected"


async def test_something_else_than_a_queen_server_is_not_taken_for_one(servers: Servers) -> None:
    servers[0].play = always(answers({"status": "ok"}))
    async with client(servers) as queen:
        other = (await queen.health())[0]
    assert (other["reachable"], other["dialect"]) == (False, None)
    assert other["error"] == "it does not answer as a Queen server does"


async def test_a_server_that_failed_is_out_of_rotation_and_asking_changes_nothing(servers: Servers) -> None:
    servers[0].play = always(BAD_GATEWAY)
    async with client(servers, load_balancing_strategy="round-robin") as queen:
        assert [server["in_rotation"] for server in await queen.health()] == [True, True, True]
        for server in servers[1:]:
            server.play = always(answers([{"status": "queued"}]))
        await push(queen)
        assert [server["in_rotation"] for server in await queen.health()] == [False, True, True]
        servers[0].play = always(answers(HEALTHY))
        assert [server["in_rotation"] for server in await queen.health()] == [False, True, True]


@pytest.mark.parametrize(("ahead", "precision"), [(90.0, 1.0), (-90.0, 1.0)])
async def test_a_clock_that_is_wrong_shows(ahead: float, precision: float) -> None:
    def script(received: Received) -> Scripted:
        told = datetime.fromtimestamp(time.time() + ahead, timezone.utc).isoformat()
        return answers(HEALTHY if received.target == "/health" else {"timestamp": told})

    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        [found] = await queen.health(clock=True)
    assert found["clock_skew_millis"] == pytest.approx(ahead * 1000, abs=precision * 1000)


@pytest.mark.parametrize(
    "told", [answers({"error": "Unauthorized"}, 401), answers({"timestamp": "noon"}), answers({}), BAD_GATEWAY]
)
async def test_a_server_that_does_not_tell_its_time_is_well_all_the_same(told: Scripted) -> None:
    async with ScriptedServer(lambda received: answers(HEALTHY) if received.target == "/health" else told) as server:
        async with Queen(server.url) as queen:
            [found] = await queen.health(clock=True)
    assert (found["healthy"], found["error"], found["clock_skew_millis"]) == (True, None, None)


async def test_an_error_page_that_repeats_the_token_is_shown_without_it() -> None:
    def script(received: Received) -> Scripted:
        return Scripted(received.headers["authorization"].encode(), 502)

    async with ScriptedServer(script) as server, Queen(server.url, bearer_token="a-secret-token") as queen:
        [found] = await queen.health()
    assert "502" in str(found["error"])
    assert "a-secret-token" not in str(found)


async def test_a_client_that_is_closed_asks_nobody(queen: Queen) -> None:
    await queen.close()
    with pytest.raises(ClientClosedError, match="health"):
        await queen.health()


@pytest.mark.parametrize("arguments", [{"timeout_millis": 0}, {"timeout_millis": "1"}, {"clock": 1}])
async def test_wrong_arguments_are_refused_by_name(queen: Queen, arguments: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(arguments))):
        await queen.health(**arguments)
