"""The FastAPI recipe: orders come in, are billed beside, and the endpoints tell how all is."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, AsyncIterator

import httpx
import pytest

pytest.importorskip("fastapi")

from examples import fastapi_app
from queen.broker import open_broker
from tests.conftest import served_broker

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_app.py"

_numbers = itertools.count(1)


@asynccontextmanager
async def served(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service, started and ended as a server of ASGI does."""
    service = fastapi_app.create_app(url)
    async with service.router.lifespan_context(service) as state:

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await service({**scope, "state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield client


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


async def test_a_server_that_is_gone_makes_it_unready_and_not_dead() -> None:
    with served_broker() as url:
        async with served(url) as client:
            assert (await client.get("/healthz")).status_code == 200
            reached = url
    async with served(reached) as client:
        health = await client.get("/healthz")
        assert (health.status_code, health.json()["servers"][0]["reachable"]) == (503, False)
        assert health.json()["servers"][0]["error"]
        assert (await client.get("/livez")).status_code == 200


async def test_a_consumer_that_polls_no_more_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fastapi_app, "LONGEST_SILENCE_SECONDS", -1.0)
    async with served(f"memory://fastapi-{next(_numbers)}") as client:
        assert (await client.get("/livez")).status_code == 503


async def test_a_consumer_that_has_ended_is_dead() -> None:
    url = f"memory://fastapi-{next(_numbers)}"
    broker = open_broker(url)
    service = fastapi_app.create_app(url)
    async with service.router.lifespan_context(service) as state:
        await_end = state["consumer"]
        await_end.stop()
        await await_end.stopped()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await service({**scope, "state": dict(state)}, receive, send)

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application), base_url="http://service"
        ) as client:
            dead = await client.get("/livez")
            assert (dead.status_code, dead.json()["running"]) == (503, False)
    await broker.close()


async def test_it_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    await fastapi_app.main(f"memory://fastapi-{next(_numbers)}")
    assert capsys.readouterr().out == "{'status': 'queued'}\n200 handled: 1\n"
