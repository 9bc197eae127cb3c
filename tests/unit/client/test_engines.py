"""What each engine makes of connections: how many, for how long, and what becomes of those that break."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import threading
from typing import List

import pytest
from queen_api.api import queues

from queen import ConfigurationError, ConnectionFailedError, HttpStatusError, Queen, QueenTimeoutError
from tests.scripted_server import Answer, Drop, Hang, Raw, Scripted, ScriptedServer, answers
from tests.unit.client.loop_clock import Clock

pytestmark = pytest.mark.sockets

DELETED = {"deleted": True, "existed": True, "queue": "q"}
EMPTY = {"success": True, "messages": []}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


def client(server: ScriptedServer, **options: object) -> Queen:
    return Queen(server.url, **{"retry_delay_millis": 1, "retry_attempts": 0, **options})


def connections(server: ScriptedServer) -> List[int]:
    return [received.connection for received in server.received]


async def test_a_connection_closed_while_idle_is_replaced_in_silence(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    script: List[Answer] = [answers(DELETED), Drop(), answers(DELETED)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        await queen.send(queues.delete_queue(queue="q"))
        clock.advance(2)
        with caplog.at_level(logging.INFO, "queen"):
            assert await queen.send(queues.delete_queue(queue="q")) == DELETED
    assert connections(server) == [1, 1, 2]
    assert caplog.records == []


async def test_it_is_replaced_once(clock: Clock) -> None:
    script: List[Answer] = [answers(DELETED), Drop(), Drop()]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        await queen.send(queues.delete_queue(queue="q"))
        clock.advance(2)
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.send(queues.delete_queue(queue="q"))
    assert raised.value.maybe_delivered
    assert raised.value.attempts == {server.url: 2}


async def test_a_pop_is_not_sent_twice_for_an_idle_connection(clock: Clock) -> None:
    script: List[Answer] = [answers(EMPTY), Drop()]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        await queen.queue("q").pop()
        clock.advance(2)
        with pytest.raises(ConnectionFailedError):
            await queen.queue("q").pop()
    assert len(server.received) == 2


async def test_a_server_that_closes_an_idle_connection_is_well(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    script: List[Answer] = [answers(EMPTY), Drop(), answers(EMPTY)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, ScriptedServer(lambda _: answers(EMPTY)) as other:
        async with Queen([server.url, other.url], load_balancing_strategy="session", retry_attempts=0) as queen:
            await queen.queue("q").pop()
            clock.advance(2)
            with pytest.raises(ConnectionFailedError):
                await queen.queue("q").pop()
            await queen.queue("q").pop()
    assert len(server.received) == 3
    assert other.received == []


async def test_a_connection_that_breaks_in_use_is_a_failure() -> None:
    script: List[Answer] = [answers(DELETED), Drop()]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        await queen.send(queues.delete_queue(queue="q"))
        with pytest.raises(ConnectionFailedError):
            await queen.send(queues.delete_queue(queue="q"))


async def test_a_connection_closed_while_the_loop_was_blocked_is_not_used(clock: Clock) -> None:
    answer = HEAD + b'content-length: 31\r\n\r\n{"success":true, "messages":[]}'
    closed = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            for _ in range(2):
                accepted, _address = listener.accept()
                with accepted:
                    accepted.recv(65536)
                    accepted.sendall(answer)
                closed.set()

        serving = asyncio.get_running_loop().run_in_executor(None, serve)
        async with Queen(f"http://127.0.0.1:{listener.getsockname()[1]}", retry_attempts=0) as queen:
            assert await queen.queue("q").pop() == []
            assert closed.wait(5)
            clock.advance(2)
            assert await queen.queue("q").pop() == []
        await serving


async def test_a_connection_that_the_server_ends_with_its_answer_is_not_used_again() -> None:
    ending = Scripted(b'{"success": true, "messages": []}', headers={"connection": "close"})
    async with ScriptedServer(lambda _: ending) as server, client(server) as queen:
        for _ in range(3):
            assert await queen.queue("q").pop() == []
    assert connections(server) == [1, 2, 3]


async def test_connections_are_kept_as_long_as_the_configuration_says() -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as server, client(server, keep_alive_millis=0) as queen:
        for _ in range(3):
            await queen.queue("q").delete()
    assert connections(server) == [1, 2, 3]


async def test_no_more_connections_are_open_than_the_configuration_says() -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as server, client(server, max_connections=2) as queen:
        await asyncio.gather(*[queen.queue("q").delete() for _ in range(20)])
    assert len(server.received) == 20
    assert set(connections(server)) == {1, 2}


@pytest.mark.skipif(sys.platform != "linux", reason="a full backlog drops connections on Linux only")
async def test_a_host_without_an_answer_takes_no_longer_than_the_configuration_says(full_host: str) -> None:
    async with Queen(full_host, retry_attempts=0, connect_timeout_millis=50) as queen:
        with pytest.raises(ConnectionFailedError, match=r"no connection within 0\.05 s") as raised:
            await queen.queue("q").pop()
    assert not raised.value.maybe_delivered


@pytest.mark.skipif(sys.platform != "linux", reason="a full backlog drops connections on Linux only")
async def test_a_deadline_that_comes_before_a_connection_is_no_delivery(full_host: str) -> None:
    async with Queen(full_host, retry_attempts=0, timeout_millis=50) as queen:
        with pytest.raises(QueenTimeoutError) as raised:
            await queen.queue("q").pop()
        assert not raised.value.maybe_delivered
        popping = asyncio.ensure_future(queen.queue("q").pop())
        await asyncio.sleep(0)
        popping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await popping


async def test_a_cancelled_request_takes_its_connection_with_it() -> None:
    script: List[Answer] = [answers(DELETED), Hang(), answers(DELETED)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, client(server) as queen:
        await queen.queue("q").delete()
        server.arrived.clear()
        deleting = asyncio.ensure_future(queen.queue("q").delete())
        await server.arrived.wait()
        deleting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await deleting
        assert await queen.queue("q").delete() == DELETED
    assert connections(server) == [1, 1, 2]


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTT", b"P/1.1 20", b"0 OK\r\ncontent-", b"length: 31\r\n\r\n{", b'"success":true, "messages":[]}'],
        [HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"mes\r\n', b'a\r\nsages":[]}\r\n0\r\n\r\n'],
        [HEAD + b'\r\n{"success":true,', b' "messages":[]}'],
        [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b'content-length: 15\r\n\r\n{"messages":[]}'],
        [HEAD + b"x-long: " + b"a" * 20000 + b'\r\ncontent-length: 15\r\n\r\n{"messages":[]}'],
        [b"HTTP/1.1 204 No Content\r\nconte", b"nt-length: 17\r\n\r", b"\n", b'{"messages":', b"[]}  "],
        [b'HTTP/1.1 204 No Content\r\ncontent-length: 15\r\n\r\n{"messages":[]}'],
    ],
    ids=["in pieces", "chunked", "until closed", "announced", "long header", "204 in pieces", "204"],
)
async def test_an_answer_is_read_in_each_form_that_http_has(parts: List[bytes]) -> None:
    async with ScriptedServer(lambda _: Raw(parts)) as server, client(server) as queen:
        assert await asyncio.wait_for(queen.queue("q").pop(), 5) == []


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"mes\r\n', b"zz\r\nfoo\r\n"],
        [HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"mes\r\n'],
        [b"SSH-2.0 hello\r\n"],
        [b"H"],
        [],
    ],
    ids=["bad chunk", "half of the chunks", "not HTTP", "one byte", "nothing"],
)
async def test_what_is_no_whole_answer_is_a_lost_one(parts: List[bytes]) -> None:
    async with ScriptedServer(lambda _: Raw(parts)) as server, client(server) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await asyncio.wait_for(queen.queue("q").pop(), 5)
    assert raised.value.maybe_delivered
    assert "\n" not in str(raised.value)


async def test_neither_redirects_nor_cookies_are_followed() -> None:
    head = {"location": "http://127.0.0.1:1/", "set-cookie": "a=b; Path=/"}
    async with ScriptedServer(lambda _: Scripted(b"", 302, head)) as server, client(server) as queen:
        for _ in range(2):
            with pytest.raises(HttpStatusError, match="answered 302"):
                await queen.queue("q").delete()
    assert [received.headers.get("cookie") for received in server.received] == [None, None]


async def test_headers_are_those_of_the_client_and_no_others() -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as server, client(server) as queen:
        await queen.queue("q").delete()
    host = server.url.partition("://")[2]
    assert server.received[0].headers == {
        "host": host,
        "accept": "application/json, text/plain",
        "user-agent": "queen-mq-python",
    }


async def test_a_client_made_where_no_loop_runs_works_in_the_loop_that_sends() -> None:
    async with ScriptedServer(lambda _: answers(DELETED)) as server:
        async with await asyncio.get_running_loop().run_in_executor(None, Queen, server.url) as queen:
            assert await queen.queue("q").delete() == DELETED


def test_an_engine_that_is_not_installed_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "queen.transport.engines.aiohttp_engine", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'queen-mq\[speed\]'"):
        Queen("http://127.0.0.1:1", engine="aiohttp")
    Queen("http://127.0.0.1:1")


def test_importing_the_client_imports_no_http_library() -> None:
    program = "import queen, sys; print(sorted({'httpx', 'httpcore', 'aiohttp', 'orjson'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['orjson']")
