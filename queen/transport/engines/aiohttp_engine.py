"""The engine on aiohttp (extra ``speed``): on its connection protocol, which parses answers in C.

What aiohttp puts on top is left out. Its session costs as much again (115 us a request, and this 55); it repeats every
GET whose answer is lost, where a pop repeated is a lease lost; and it cannot read a 204 that has a body, which servers
send. The head is written here, with the body in one packet, which a session does from aiohttp 3.14 on only.
"""

from __future__ import annotations

import asyncio
from typing import Optional

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError
from typing_extensions import Final, override

from queen.transport.engine import AnswerLostError, Headers, Reply
from queen.transport.engines.connection import STATUS, HttpProtocol, SocketConnection
from queen.transport.engines.origin import Origin
from queen.transport.engines.pooled import Limits, Network, PooledEngine
from queen.transport.engines.reason import reason

# Announcements that another answer follows: 100 and up, but for 101, which no request asks for.
_INTERIM: Final = frozenset({100, *range(102, 200)})
# aiohttp's own limit of 8 KiB for a header is less than some proxies send.
_LONGEST_HEADER: Final = 65536


class AiohttpEngine(PooledEngine):
    """Sends requests through aiohttp.

    Args:
        limits: what its connections are held to.
        network: how servers are reached.
    """

    def __init__(self, limits: Limits, network: Network) -> None:
        super().__init__(limits, network, lambda origin, limits: SocketConnection(origin, limits, _Protocol))


class _Protocol(ResponseHandler, HttpProtocol):
    """aiohttp's half of a connection, which also gets along with a 204 that has a body."""

    def __init__(self, loop: asyncio.AbstractEventLoop, _: Origin, limit: int) -> None:
        ResponseHandler.__init__(self, loop)
        HttpProtocol.__init__(self, limit)
        self._start: Optional[bytes] = b""
        self._body: Optional[aiohttp.StreamReader] = None
        self._dropped = False

    @override
    def is_ready(self) -> bool:
        return self.is_connected() and not self.should_close

    @override
    async def exchange(self, method: str, target: bytes, headers: Headers, body: Optional[bytes]) -> Reply:
        self.begin_answer()
        self._start = b""
        self.set_response_params(read_until_eof=True, auto_decompress=False, max_field_size=_LONGEST_HEADER)
        assert self.transport is not None
        self.transport.write(_head(method, target, headers) + (body or b""))
        try:
            return await self._reply(headers)
        # A RuntimeError is aiohttp's for a body that is read after its connection was lost.
        except (HttpProcessingError, aiohttp.ClientError, OSError, RuntimeError) as error:
            self.check_length(None)
            raise _lost(error) from error

    @override
    def drop(self) -> None:
        self._dropped = True
        if self.transport is not None:
            self.transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if not self.takes(data):
            return
        if self._start is None:
            super().data_received(data)
            return
        start = self._start + data
        if start[STATUS] == b"204":
            # The parser would take the body for the next answer, and drop this one for it.
            head, end, _ = start.partition(b"\r\n\r\n")
            start = head + end
            is_clear = bool(end)
        else:
            is_clear = len(start) >= STATUS.stop
        self._start = None if is_clear else start
        if is_clear:
            super().data_received(start)

    @override
    def connection_lost(self, exc: Optional[BaseException]) -> None:
        if isinstance(exc, Exception):
            self.lost_by = exc
        if self._dropped:
            self._fail_body(aiohttp.ServerDisconnectedError("the connection was dropped"))
        transport = self.transport
        super().connection_lost(exc)
        if transport is not None:
            # Before Python 3.11, asyncio warns of a TLS connection that only its other end has closed.
            transport.close()
        # After an error in the body, aiohttp forgets its reader, who would wait for ever.
        self._fail_body(self.exception() or aiohttp.ServerDisconnectedError())

    async def _reply(self, sent: Headers) -> Reply:
        message, body = await self.read()
        while message.code in _INTERIM:
            message, body = await self.read()
        self.check_length(message.headers.get("content-length"))
        self._body = body
        try:
            return Reply(message.code, message.headers, await body.read(), sent)
        finally:
            self._body = None

    def _fail_body(self, error: BaseException) -> None:
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(error)


def _lost(error: Exception) -> AnswerLostError:
    if isinstance(error, HttpProcessingError):
        return AnswerLostError(f"the answer is not HTTP: {error.message.splitlines()[0].rstrip(':')}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return AnswerLostError("the answer is incomplete")
    return AnswerLostError(reason(error, "the connection broke"))


def _head(method: str, target: bytes, headers: Headers) -> bytes:
    lines = [b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), target)]
    lines += [b"%b: %b\r\n" % header for header in headers]
    lines.append(b"\r\n")
    return b"".join(lines)
