"""The engine on aiohttp (extra ``speed``): on its connection protocol, which parses answers in C.

What aiohttp puts on top is left out. Its session costs as much again (115 us a request, and this 55); it repeats every
GET whose answer is lost, where a pop repeated is a lease lost; and it cannot read a 204 that has a body, which servers
send. The head is written here, with the body in one packet, which a session does from aiohttp 3.14 on only.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Optional, Sequence

import aiohappyeyeballs
import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError
from typing_extensions import Final, override

from queen.transport.engine import (
    AnswerLostError,
    DeadlinePassedError,
    EngineError,
    Headers,
    IdleClosedError,
    NotSentError,
    Reply,
)
from queen.transport.engines.pooled import IDLE_SECONDS, Connection, Limits, Origin, PooledEngine
from queen.transport.engines.reason import reason

# Of a host with several addresses, the next one is tried after so long (RFC 8305).
_NEXT_ADDRESS_SECONDS: Final = 0.25
# Up to its status, an answer is ``HTTP/1.1 200``.
_STATUS: Final = slice(9, 12)
# Announcements that another answer follows: 100 and up, but for 101, which no request asks for.
_INTERIM: Final = frozenset({100, *range(102, 200)})
# aiohttp's own limit of 8 KiB for a header is less than some proxies send.
_LONGEST_HEADER: Final = 65536


class AiohttpEngine(PooledEngine):
    """Sends requests through aiohttp.

    Args:
        limits: what its connections are held to.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits, _Connection)


class _Connection(Connection):
    def __init__(self, origin: Origin, limits: Limits) -> None:
        self._origin = origin
        self._limits = limits
        self._protocol: Optional[_Protocol] = None
        self._used_at = 0.0
        self._closed = False
        self._expired = False

    @override
    async def send(self, target: bytes, method: str, headers: Headers, body: Optional[bytes], deadline: float) -> Reply:
        loop = asyncio.get_running_loop()
        idle = loop.time() - self._used_at
        protocol = await self._kept_open(idle)
        was_idle = protocol is not None and idle >= IDLE_SECONDS
        if protocol is None:
            protocol = self._protocol = await self._open(loop, deadline)
            if not protocol.is_connected():
                raise NotSentError("the connection was closed as it was made")
        self._expired = False
        timer = loop.call_at(deadline, self._expire)
        try:
            protocol.send(self._head(target, method, headers, body) + (body or b""))
            reply = await protocol.reply()
        # A RuntimeError is aiohttp's for a body that is read after its connection was lost.
        except (aiohttp.ClientError, HttpProcessingError, OSError, RuntimeError) as error:
            raise self._translated(error, closed_idle=was_idle and not protocol.heard) from error
        finally:
            timer.cancel()
        if self._expired:
            raise DeadlinePassedError(maybe_delivered=True)
        self._used_at = loop.time()
        return reply

    @override
    async def aclose(self) -> None:
        self._closed = True
        self._abort()

    async def _kept_open(self, idle: float) -> Optional[_Protocol]:
        """The connection of the last request, so many seconds ago, if it can take another one."""
        protocol = self._protocol
        if protocol is None:
            return None
        if idle >= IDLE_SECONDS:
            # The loop may have been blocked when the server closed: one turn to poll the sockets, one to act on it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if protocol.is_connected() and not protocol.should_close and idle < self._limits.keep_alive_seconds:
            return protocol
        protocol.drop()
        return None

    async def _open(self, loop: asyncio.AbstractEventLoop, deadline: float) -> _Protocol:
        left = deadline - loop.time()
        opening = loop.create_task(self._connect(loop))
        try:
            # Not wait_for, which before Python 3.12 takes a cancellation for a result when both come at once.
            await asyncio.wait({opening}, timeout=max(0.0, min(left, self._limits.connect_seconds)))
        except asyncio.CancelledError:
            _abandon(opening)
            raise
        if not opening.done():
            _abandon(opening)
            if left <= self._limits.connect_seconds:
                raise DeadlinePassedError(maybe_delivered=False)
            raise NotSentError(f"no connection within {self._limits.connect_seconds:g} s")
        try:
            protocol = opening.result()
        except OSError as error:
            raise NotSentError(reason(error, "the connection was refused")) from error
        if self._closed:
            protocol.drop()
            raise NotSentError("the client was closed")
        return protocol

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> _Protocol:
        origin = self._origin
        connected = await aiohappyeyeballs.start_connection(
            await _addresses(loop, origin), loop=loop, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS
        )
        _, protocol = await loop.create_connection(
            lambda: _Protocol(loop),
            sock=connected,
            ssl=origin.ssl_context,
            server_hostname=origin.host if origin.ssl_context is not None else None,
        )
        return protocol

    def _head(self, target: bytes, method: str, headers: Headers, body: Optional[bytes]) -> bytes:
        lines = [b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode("ascii"), target, self._origin.authority)]
        lines += [b"%b: %b\r\n" % header for header in headers]
        if body is not None or method in ("POST", "PUT", "PATCH"):
            lines.append(b"content-length: %d\r\n" % len(body or b""))
        lines.append(b"\r\n")
        return b"".join(lines)

    def _expire(self) -> None:
        self._expired = True
        self._abort()

    def _abort(self) -> None:
        if self._protocol is not None:
            self._protocol.drop()

    def _translated(self, error: Exception, *, closed_idle: bool) -> EngineError:
        if self._expired:
            return DeadlinePassedError(maybe_delivered=True)
        if isinstance(error, HttpProcessingError):
            return AnswerLostError(f"the answer is not HTTP: {error.message.splitlines()[0].rstrip(':')}")
        if isinstance(error, aiohttp.ClientPayloadError):
            return AnswerLostError("the answer is incomplete")
        kind = IdleClosedError if closed_idle else AnswerLostError
        return kind(reason(error, "the connection broke"))


class _Protocol(ResponseHandler):
    """aiohttp's half of a connection, which also gets along with a 204 that has a body.

    Attributes:
        heard: whether any of the answer has come.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.heard = False
        self._start: Optional[bytes] = b""
        self._body: Optional[aiohttp.StreamReader] = None

    def send(self, request: bytes) -> None:
        """Write a request in one packet, and be ready for its answer."""
        self.heard = False
        self._start = b""
        self.set_response_params(read_until_eof=True, auto_decompress=False, max_field_size=_LONGEST_HEADER)
        assert self.transport is not None
        self.transport.write(request)

    async def reply(self) -> Reply:
        """The answer."""
        message, body = await self.read()
        while message.code in _INTERIM:
            message, body = await self.read()
        self._body = body
        try:
            return Reply(message.code, message.headers, await body.read())
        finally:
            self._body = None

    @override
    def data_received(self, data: bytes) -> None:
        self.heard = True
        if self._start is None:
            super().data_received(data)
            return
        start = self._start + data
        if start[_STATUS] == b"204":
            # The parser would take the body for the next answer, and drop this one for it.
            head, end, _ = start.partition(b"\r\n\r\n")
            start = head + end
            is_clear = bool(end)
        else:
            is_clear = len(start) >= _STATUS.stop
        self._start = None if is_clear else start
        if is_clear:
            super().data_received(start)

    @override
    def connection_lost(self, exc: Optional[BaseException]) -> None:
        super().connection_lost(exc)
        # After an error in the body, aiohttp forgets its reader, who would wait for ever.
        if self._body is not None and not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(self.exception() or aiohttp.ServerDisconnectedError())

    def drop(self) -> None:
        """Close the connection at once. Who waits for its answer is told."""
        if self.transport is not None:
            self.transport.abort()


async def _addresses(loop: asyncio.AbstractEventLoop, origin: Origin) -> Sequence[AddrInfoType]:
    numeric = _numeric(origin)
    return numeric or await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)


def _numeric(origin: Origin) -> Sequence[AddrInfoType]:
    """The address, where the host is one: no thread is needed to look it up."""
    try:
        return socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return ()


def _abandon(opening: asyncio.Task[_Protocol]) -> None:
    """Nobody waits any more for a connection that may have been made in this moment."""
    if not opening.cancel() and not opening.cancelled() and opening.exception() is None:
        opening.result().drop()
