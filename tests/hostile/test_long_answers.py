"""Answers that are too long, never end, or are packed are errors, in bounded memory; their connection is dropped."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from typing import Any, Callable, List, Optional

import pytest

from queen import Message, ProtocolError, Queen, QueenError
from tests.scripted_server import Answer, Received, Scripted, ScriptedServer, _head
from tests.unit.client.failover.servers import batch, usual

pytestmark = pytest.mark.sockets

LIMIT = 200_000
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
ENDLESS = {
    "body until the end": (HEAD + b"\r\n", b"[" * 65536),
    "chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "small chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 10000),
    "announced and sent": (HEAD + b"content-length: 1073741824\r\n\r\n", b" " * 65536),
}


class EndlessServer:
    """Sends an answer for as long as somebody takes it."""

    def __init__(self, head: bytes, part: bytes) -> None:
        self._head, self._part = head, part
        self.sent = 0
        self.dropped = asyncio.Event()
        self.url = ""

    async def __aenter__(self) -> EndlessServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self._head)
            while self._part:
                writer.write(self._part)
                await writer.drain()
                self.sent += len(self._part)
            # Nothing follows; the end of the connection is waited for.
            await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped.set()
        finally:
            writer.close()


@pytest.mark.parametrize("kind", ENDLESS)
async def test_an_answer_without_end_is_dropped(kind: str) -> None:
    async with EndlessServer(*ENDLESS[kind]) as server:
        async with Queen(server.url, dialect="0.15", max_response_bytes=LIMIT) as queen:
            tracemalloc.start()
            try:
                with pytest.raises(
                    ProtocolError, match=r"pop_queue: .* answered 200: the answer is longer than 200000"
                ):
                    await queen.queue("q").pop()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            await asyncio.wait_for(server.dropped.wait(), 5)
        assert peak < 40 * LIMIT


async def test_a_head_without_end_is_dropped() -> None:
    async with EndlessServer(HEAD, b"x-more: " + b"y" * 1000 + b"\r\n") as server:
        async with Queen(server.url, dialect="0.15", retry_attempts=0, max_response_bytes=LIMIT) as queen:
            with pytest.raises(QueenError):
                await queen.queue("q").pop()
            await asyncio.wait_for(server.dropped.wait(), 5)


@pytest.mark.parametrize("length", ["1073741824", "9" * 5000])
async def test_an_answer_that_is_announced_to_be_too_long_is_not_waited_for(length: str) -> None:
    head = HEAD + b"content-length: " + length.encode() + b"\r\n\r\n"
    async with EndlessServer(head, b"") as server:
        async with Queen(server.url, dialect="0.15", retry_attempts=0, max_response_bytes=LIMIT) as queen:
            with pytest.raises(QueenError) as raised:
                await asyncio.wait_for(queen.queue("q").pop(), 5)
            assert not isinstance(raised.value, TimeoutError)


async def test_an_answer_of_just_the_allowed_length_is_read() -> None:
    answer = Scripted(b'{"messages":[]' + b" " * 1000 + b"}")
    length = len(_head(answer) + answer.body)
    async with ScriptedServer(lambda _: answer) as server:
        async with Queen(server.url, dialect="0.15", max_response_bytes=length) as queen:
            assert await queen.queue("q").pop() == []
            assert await queen.queue("q").pop() == []
        async with Queen(server.url, dialect="0.15", max_response_bytes=length - 1) as queen:
            with pytest.raises(ProtocolError, match="max_response_bytes"):
                await queen.queue("q").pop()


async def test_a_long_answer_is_not_asked_for_again_and_its_server_is_well() -> None:
    def script(received: Received) -> Answer:
        return Scripted(b" " * LIMIT) if len(server.received) == 1 else batch("t")

    async with ScriptedServer(script) as server:
        async with Queen(server.url, dialect="0.15", max_response_bytes=LIMIT) as queen:
            with pytest.raises(ProtocolError) as raised:
                await queen.queue("q").push([{"data": "mine"}])
            assert raised.value.maybe_delivered
            assert [item["data"] for item in raised.value.unsent] == ["mine"]
            [message] = await queen.queue("q").pop()
            assert message.data == "t"
        assert [received.connection for received in server.received] == [1, 2]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x"])
async def test_a_packed_answer_is_refused_unpacked_by_nobody(encoding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    async with ScriptedServer(lambda _: Scripted(bomb, headers={"content-encoding": encoding})) as server:
        async with Queen(server.url, dialect="0.15") as queen:
            with pytest.raises(ProtocolError, match=f"encoded as '{encoding}', which was not asked for"):
                await queen.queue("q").pop()
        assert not [name for name in server.received[0].headers if name == "accept-encoding"]


@pytest.mark.parametrize(
    "bad",
    [Scripted(b" " * LIMIT), Scripted(b"[" * 100_000), Scripted(b'{"messages": {"a": 1}}'), Scripted(b"\xff")],
    ids=["long", "deep", "other", "no text"],
)
async def test_a_consumer_goes_on_after_a_hostile_answer(bad: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queen.consuming.consumer._BACKOFF", _no_pause())

    def script(received: Received) -> Answer:
        return bad if len(server.received) == 1 else usual(received)

    handled: List[Any] = []

    def handler(message: Message) -> None:
        handled.append(message.data)

    async with ScriptedServer(script) as server:
        async with Queen(server.url, dialect="0.15", max_response_bytes=LIMIT) as queen:
            await asyncio.wait_for(queue_of(queen).limit(1).consume(handler), 5)
    assert handled == ["t"]


def queue_of(queen: Queen) -> Any:
    return queen.queue("q")


def _no_pause() -> Any:
    class NoPause:
        wait_before: Callable[[Any, int, Optional[float]], float] = lambda *_: 0.0

    return NoPause()
