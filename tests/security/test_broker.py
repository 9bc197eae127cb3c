"""``python -m queen.broker``: where it listens, who may use it, and how much."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from pathlib import Path
from typing import AsyncIterator, Optional, Tuple

import httpx
import pytest

from queen import AuthenticationError, Queen, ServerRefusedError
from queen.broker import open_broker
from queen.broker.__main__ import main
from queen.broker.access import TokenGuard

TOKEN = "a-token.with=signs"


class Served:
    """A broker in a process of its own.

    Attributes:
        url: where it listens.
        process: the process, which has written its first line to standard error.
    """

    def __init__(self, process: asyncio.subprocess.Process, line: str) -> None:
        self.process = process
        self.line = line
        found = re.search(r"http://(\S+):(\d+) ", line)
        self.address: Tuple[str, int] = ("", 0) if found is None else (found.group(1), int(found.group(2)))
        self.url = "" if found is None else f"http://127.0.0.1:{self.address[1]}"

    async def next_line(self) -> str:
        assert self.process.stderr is not None
        return (await asyncio.wait_for(self.process.stderr.readline(), 10)).decode()


@contextlib.asynccontextmanager
async def served(*arguments: str, **environment: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "queen.broker", "--port", "0", *arguments,
        stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        yield Served(process, (await asyncio.wait_for(process.stderr.readline(), 20)).decode())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.wait_for(process.wait(), 10)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return file


async def test_it_listens_on_this_machine_only_unless_told() -> None:
    async with served() as broker:
        assert broker.address[0] == "127.0.0.1"
        broker.process.terminate()
        assert await broker.next_line() == ""


async def test_it_warns_when_others_can_reach_it_and_it_has_no_token() -> None:
    async with served("--host", "0.0.0.0") as broker:
        assert "broker for development on http://0.0.0.0:" in broker.line
        assert await broker.next_line() == (
            "warning: 0.0.0.0 can be reached from other machines, and whoever reaches it may read and change all "
            "messages: set QUEEN_BROKER_TOKEN or give --token-file\n"
        )


async def test_it_does_not_warn_where_it_has_a_token(token_file: Path) -> None:
    async with served("--host", "0.0.0.0", "--token-file", str(token_file)) as broker:
        broker.process.terminate()
        assert await broker.next_line() == ""


async def test_an_address_of_ipv6_is_shown_as_a_url() -> None:
    async with served("--host", "::1") as broker:
        if "cannot assign" in broker.line or "unsupported" in broker.line:
            pytest.skip("no IPv6 here")
        assert "http://[::1]:" in broker.line
        broker.process.terminate()
        assert await broker.next_line() == ""


async def test_who_has_the_token_may_use_it_and_nobody_else(token_file: Path) -> None:
    async with served("--token-file", str(token_file)) as broker:
        async with Queen(broker.url, bearer_token=TOKEN) as queen:
            await queen.queue("q").push([{"data": 1}])
            assert [message.data for message in await queen.queue("q").pop()] == [1]
        for options in ({}, {"bearer_token": "another"}):
            async with Queen({"url": broker.url, **options}) as queen:
                with pytest.raises(AuthenticationError):
                    await queen.queue("q").push([{"data": 1}])


async def test_the_token_may_come_from_the_environment() -> None:
    async with served(QUEEN_BROKER_TOKEN=TOKEN) as broker, httpx.AsyncClient() as client:
        assert (await client.get(broker.url + "/api/v1/status")).status_code == 401
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert (await client.get(broker.url + "/api/v1/status", headers=headers)).status_code == 200


@pytest.fixture(params=["embedded", "0.15", "0.7"])
async def guarded(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    broker = open_broker("memory://", dialect=request.param)
    # What `python -m queen.broker` puts before its routes.
    transport = httpx.ASGITransport(app=TokenGuard(broker.app, TOKEN))
    async with httpx.AsyncClient(transport=transport, base_url="http://broker") as client:
        yield client
    await broker.close()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "Authentication required"),
        ("", "Authentication required"),
        ("Bearer abc", "Token decode error: invalid token supplied"),
        ("Bearer ", "Token decode error: invalid token supplied"),
        (f"Bearer {TOKEN}x", "Token decode error: invalid token supplied"),
        (f"Bearer {TOKEN[:-1]}", "Token decode error: invalid token supplied"),
        (f"Basic {TOKEN}", "Token decode error: invalid token supplied"),
        ("Bearer größe", "Token decode error: invalid token supplied"),
    ],
)
async def test_it_refuses_in_the_words_of_server_0_15(
    guarded: httpx.AsyncClient, header: Optional[str], words: str
) -> None:
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    for method, path in (("POST", "/api/v1/push"), ("GET", "/api/v1/pop/queue/q"), ("GET", "/no/such/route")):
        response = await guarded.request(method, path, headers=headers)
        assert (response.status_code, response.json()) == (401, {"error": words})
        assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bEARER {TOKEN}", TOKEN])
async def test_it_takes_the_token_in_each_form_that_server_0_15_takes(guarded: httpx.AsyncClient, header: str) -> None:
    response = await guarded.get("/api/v1/resources/queues", headers={"authorization": header})
    assert response.status_code == 200


async def test_some_pages_are_for_everybody(guarded: httpx.AsyncClient) -> None:
    for page in ("/health", "/docs", "/openapi.json"):
        assert (await guarded.get(page)).status_code == 200
    assert (await guarded.options("/api/v1/push")).status_code == 200


@pytest.mark.parametrize(
    "arguments",
    [
        ("--max-body", "0"),
        ("--max-body", "1k"),
        ("--max-connections", "-1"),
        ("--token", TOKEN),
        ("--token-file", "/no/such/file"),
    ],
)
def test_an_argument_that_is_not_accepted_leaves_no_broker_open(
    arguments: Tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["broker", "--port", "0", *arguments])
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("token", ["", "two words", "größe", "two\nlines"])
@pytest.mark.parametrize("source", ["file", "environment"])
def test_what_is_no_token_leaves_no_broker_open(
    token: str, source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text(token, encoding="utf-8")
    arguments = ["--token-file", str(tmp_path / "token")] if source == "file" else []
    if source == "environment":
        monkeypatch.setenv("QUEEN_BROKER_TOKEN", token)
    monkeypatch.setattr(sys, "argv", ["broker", "--port", "0", *arguments])
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 2
    told = capsys.readouterr().err
    assert "error: " in told
    assert not token or token not in told


async def test_a_body_that_is_too_long_is_refused_and_the_connection_goes_on() -> None:
    async with served("--max-body", "1000") as broker:
        async with Queen(broker.url) as queen:
            with pytest.raises(ServerRefusedError, match=r"longer than 1000 bytes, this broker's limit") as raised:
                await queen.queue("q").push([{"data": "x" * 5_000_000}])
            assert raised.value.status == 413
            await queen.queue("q").push([{"data": 1}])
        async with httpx.AsyncClient() as client:
            chunks = await client.post(broker.url + "/api/v1/push", content=_chunks(10))
            assert (chunks.status_code, list(chunks.json())) == (413, ["error"])
            assert (await client.post(broker.url + "/api/v1/push", content=_chunks(3))).status_code == 400


async def _chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 250


async def test_it_takes_no_more_connections_than_it_is_told() -> None:
    async with served("--max-connections", "2") as broker, httpx.AsyncClient() as client:
        held = [await asyncio.open_connection(*broker.address) for _ in range(2)]
        for reader, writer in held:
            writer.write(b"GET /health HTTP/1.1\r\nhost: broker\r\n\r\n")
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        assert (await client.get(broker.url + "/health")).status_code == 503
        for _, writer in held:
            writer.close()
