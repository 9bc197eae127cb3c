"""What each engine makes of answers that come in part or not alone, and of the addresses of a host."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from contextlib import asynccontextmanager
from typing import AsyncIterator, Awaitable, Callable, List, Tuple, cast

import pytest

from queen import ClientClosedError, ConnectionFailedError, Queen, QueenTimeoutError
from tests.scripted_server import Hang, ScriptedServer
from tests.unit.client.loop_clock import Clock

pytestmark = pytest.mark.sockets

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
EMPTY = HEAD + b'content-length: 15\r\n\r\n{"messages":[]}'
# The start of an answer, up to the middle of its body, in each way in which the end of a body is told.
HALVES = {
    "counted": HEAD + b'content-length: 15\r\n\r\n{"mess',
    "chunked": HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"mes\r\n',
    "until closed": HEAD + b'\r\n{"messages":[]}',
}
in_each_form = pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)

Handler = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """Gives each request that came whole to a handler, which writes what it likes.

    Attributes:
        url: where it is.
        connections: the numbers of the connections on which requests came.
        closed: whether a client has closed a connection.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._opened = 0
        self._tasks: List[asyncio.Task[None]] = []
        self.url = ""
        self.connections: List[int] = []
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._opened += 1
        number = self._opened
        self._tasks.append(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.connections.append(number)
                await self._handler(len(self.connections), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        except asyncio.CancelledError:
            return
        finally:
            writer.close()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def raw_server(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[RawServer]:
    served = RawServer(handler)
    server = await asyncio.start_server(served.serve, host, 0)
    port = server.sockets[0].getsockname()[1]
    served.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    try:
        yield served
    finally:
        server.close()
        await served.end()


def client(url: str, **options: object) -> Queen:
    return Queen(url, **{"retry_attempts": 0, **options})


async def answers_empty(_: int, writer: asyncio.StreamWriter) -> None:
    writer.write(EMPTY)


@in_each_form
async def test_a_deadline_in_the_middle_of_a_body_ends_the_request_and_its_connection(half: bytes) -> None:
    async def handle(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(half if number == 1 else EMPTY)

    async with raw_server(handle) as server, client(server.url, timeout_millis=200) as queen:
        with pytest.raises(QueenTimeoutError) as raised:
            await queen.queue("q").pop()
        assert raised.value.maybe_delivered
        await asyncio.wait_for(server.closed.wait(), 5)
        assert await queen.queue("q").pop() == []
    assert server.connections == [1, 2]


@in_each_form
async def test_a_request_cancelled_in_the_middle_of_a_body_takes_only_its_connection_with_it(half: bytes) -> None:
    half_sent = asyncio.Event()

    async def handle(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(half if number == 1 else EMPTY)
        half_sent.set()

    async with raw_server(handle) as server, client(server.url, max_connections=1) as queen:
        popping = asyncio.ensure_future(queen.queue("q").pop())
        await half_sent.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        popping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await popping
        await asyncio.wait_for(server.closed.wait(), 5)
        for _ in range(2):
            assert await asyncio.wait_for(queen.queue("q").pop(), 5) == []
    assert server.connections == [1, 2, 2]


@in_each_form
async def test_a_client_closed_in_the_middle_of_a_body_has_no_answer(half: bytes) -> None:
    half_sent = asyncio.Event()

    async def handle(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(half)
        half_sent.set()

    async with raw_server(handle) as server:
        queen = client(server.url)
        popping = asyncio.ensure_future(queen.queue("q").pop())
        await half_sent.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        await queen.close()
        with pytest.raises(ClientClosedError) as raised:
            await asyncio.wait_for(popping, 5)
    assert raised.value.maybe_delivered


@pytest.mark.parametrize(
    "packets",
    [[EMPTY + EMPTY], [EMPTY, EMPTY], [EMPTY, b"X"]],
    ids=["an answer", "an answer later", "a byte later"],
)
async def test_what_comes_behind_an_answer_is_not_taken_for_the_next_one(packets: List[bytes]) -> None:
    async def handle(_: int, writer: asyncio.StreamWriter) -> None:
        for packet in packets:
            writer.write(packet)
            await asyncio.sleep(0.01)

    async with raw_server(handle) as server, client(server.url) as queen:
        for _ in range(2):
            assert await queen.queue("q").pop() == []
            await asyncio.sleep(0.05)
    assert server.connections == [1, 2]


async def test_half_an_answer_of_a_connection_that_was_idle_is_a_failure(clock: Clock) -> None:
    async def handle(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(EMPTY if number == 1 else HALVES["counted"])
        if number == 2:
            writer.close()

    async with raw_server(handle) as server, client(server.url) as queen:
        await queen.queue("q").pop()
        clock.advance(2)
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.queue("q").delete()
    assert raised.value.attempts == {server.url: 1}


async def test_an_answer_in_the_old_version_of_http_ends_its_connection() -> None:
    async def handle(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(EMPTY.replace(b"HTTP/1.1", b"HTTP/1.0"))

    async with raw_server(handle) as server, client(server.url) as queen:
        for _ in range(2):
            assert await queen.queue("q").pop() == []
    assert server.connections == [1, 2]


async def test_an_answer_of_megabytes_is_read_whole() -> None:
    padding = b" " * 5_000_000

    async def handle(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % (len(padding) + 15) + padding + b'{"messages":[]}')

    async with raw_server(handle) as server, client(server.url) as queen:
        for _ in range(2):
            assert await queen.queue("q").pop() == []
    assert server.connections == [1, 1]


async def test_a_server_is_reached_by_an_address_of_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("there is no IPv6 on this machine")
    async with raw_server(answers_empty, "::1") as server, client(server.url) as queen:
        assert await queen.queue("q").pop() == []


@pytest.mark.parametrize("first", ["refuses", "is silent"])
async def test_of_a_host_with_two_addresses_the_second_is_tried_too(
    first: str, full_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_server(answers_empty) as server:
        ports = [unused_port() if first == "refuses" else port_of(full_host), port_of(server.url)]
        addresses(monkeypatch, ports)
        async with client("http://queen.invalid:6632", connect_timeout_millis=5000) as queen:
            assert await queen.queue("q").pop() == []


async def test_a_refusal_of_all_addresses_is_told_in_the_systems_words(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses(monkeypatch, [unused_port(), unused_port()])
    async with client("http://queen.invalid:6632") as queen:
        with pytest.raises(ConnectionFailedError, match="connection refused") as raised:
            await queen.queue("q").pop()
    assert not raised.value.maybe_delivered
    assert "Errno" not in str(raised.value)


def addresses(monkeypatch: pytest.MonkeyPatch, ports: List[int]) -> None:
    """Make every name stand for these ports of this machine."""

    async def look_up(*_: object, **__: object) -> List[Tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_a_socket_that_is_opened_as_its_request_is_cancelled_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    unclosed: List[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: unclosed.append(str(unraisable.exc_value)))
    async with ScriptedServer(lambda _: Hang()) as server, Queen(server.url) as queen:
        for turns in range(20):
            deleting = asyncio.ensure_future(queen.queue("q").delete())
            for _ in range(turns):
                await asyncio.sleep(0)
            deleting.cancel()
            await asyncio.gather(deleting, return_exceptions=True)
        gc.collect()
    assert unclosed == []
