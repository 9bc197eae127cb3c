"""The FastAPI recipe: orders come in, are billed beside, and the endpoints tell how all is."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, AsyncIterator, List, Tuple

import httpx
import pytest

pytest.importorskip("fastapi")

from examples import fastapi_app
from queen import AuthenticationError, ConsumerHandle
from tests.conftest import served_broker
from tests.scripted_server import Received, Scripted, ScriptedServer, answers

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_app.py"

_numbers = itertools.count(1)


@asynccontextmanager
async def started(url: str) -> AsyncIterator[Tuple[httpx.AsyncClient, ConsumerHandle]]:
    """The service, started and ended as a server of ASGI does, and its consumer."""
    service = fastapi_app.create_app(url)
    async with service.router.lifespan_context(service) as state:

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await service({**scope, "state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield client, state["consumer"]


@asynccontextmanager
async def served(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service."""
    async with started(url) as (client, _):
        yield client


async def statuses(client: httpx.AsyncClient) -> Tuple[int, int]:
    """What ``/healthz`` and ``/livez`` answer."""
    return (await client.get("/healthz")).status_code, (await client.get("/livez")).status_code


async def test_an_order_is_taken_once_and_billed() -> None:
    async with served(f"memory://fastapi-{next(_numbers)}") as client:
        order = {"id": 1, "item": "teapot"}
        first = await client.post("/orders", json=order)
        again = await client.post("/orders", json=order)
        assert (first.status_code, first.json(), again.json()) == (202, {"status": "queued"}, {"status": "duplicate"})
        while not (await client.get("/billed")).json():  # noqa: ASYNC110  (a client of HTTP gets no events)
            await asyncio.sleep(0)
        assert (await client.get("/billed")).json() == [1]
        health = await client.get("/healthz")
        assert health.status_code == 200
        assert health.json()["servers"][0]["reachable"]
        assert health.json()["consumer"]["running"]
        assert (await client.get("/livez")).status_code == 200
        assert (await client.post("/orders", json={"id": "x"})).status_code == 422


async def test_a_server_that_goes_away_makes_it_unready_and_not_dead() -> None:
    with contextlib.ExitStack() as broker:
        url = broker.enter_context(served_broker())
        async with served(url) as client:
            assert await statuses(client) == (200, 200)
            broker.close()
            health = await client.get("/healthz")
            [server] = health.json()["servers"]
            assert (health.status_code, server["reachable"], health.json()["consumer"]["running"]) == (503, False, True)
            assert server["error"]
            assert (await client.get("/livez")).status_code == 200


async def test_a_consumer_that_polls_no_more_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(f"memory://fastapi-{next(_numbers)}") as client:
        assert await statuses(client) == (200, 200)
        monkeypatch.setattr(fastapi_app, "LONGEST_SILENCE_SECONDS", -1.0)
        assert await statuses(client) == (503, 503)


async def test_a_consumer_that_has_ended_is_dead() -> None:
    async with started(f"memory://fastapi-{next(_numbers)}") as (client, consumer):
        consumer.stop()
        await consumer
        assert await statuses(client) == (503, 503)
        assert (await client.get("/livez")).json()["running"] is False


async def test_a_consumer_that_an_error_ended_is_dead_and_the_error_is_not_lost() -> None:
    async def refused(received: Received) -> Scripted:
        if received.target.startswith("/health"):
            return answers({"status": "healthy", "database": "connected", "version": "0.15.0"})
        return Scripted(b'{"error": "no such token"}', 401)

    seen: List[object] = []

    async def live(url: str) -> None:
        async with started(url) as (client, consumer):
            with pytest.raises(AuthenticationError):
                await consumer
            seen.extend([await statuses(client), (await client.get("/livez")).json()["last_error"]])

    async with ScriptedServer(refused) as server:
        with pytest.raises(AuthenticationError, match="no such token"):
            await live(server.url)
    codes, last_error = seen
    assert codes == (503, 503)
    assert "no such token" in str(last_error)


async def test_it_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    await fastapi_app.main(f"memory://fastapi-{next(_numbers)}")
    assert capsys.readouterr().out == "{'status': 'queued'}\n200 handled: 1\n"
