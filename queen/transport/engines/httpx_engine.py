"""The engine on httpx, which is always installed: on httpcore, the part of it that speaks HTTP.

What httpx puts around it is left out: its client (117 us a request, and it normalises targets that the servers want
byte for byte), its transport, httpcore's pool, which assigns requests to connections in time that grows with
connections times waiters, and anyio's sockets (50 us a request).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, AsyncIterable, List, Optional, cast

import httpcore
from typing_extensions import Final, override

from queen.secret import SecretBytes
from queen.transport.engine import AnswerLostError, Headers, Reply
from queen.transport.engines.connection import HttpProtocol, SocketConnection
from queen.transport.engines.origin import Origin
from queen.transport.engines.pooled import Limits, Network, PooledEngine
from queen.transport.engines.reason import reason

# httpcore logs the headers of answers here.
_LOGGER: Final = logging.getLogger("httpcore.http11")
# A redirect may lead to a URL with a token.
_SECRET: Final = (b"set-cookie", b"location")


class HttpxEngine(PooledEngine):
    """Sends requests through httpx.

    Args:
        limits: what its connections are held to.
        network: how servers are reached.
    """

    def __init__(self, limits: Limits, network: Network) -> None:
        super().__init__(limits, network, lambda origin, limits: SocketConnection(origin, limits, _Protocol))


class _Protocol(HttpProtocol, httpcore.AsyncNetworkStream):
    """httpcore's half of a connection, and at once the stream of bytes that httpcore speaks on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin, limit: int) -> None:
        super().__init__(limit)
        self._loop = loop
        self._url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=b"/")
        self._http = _Http(self._url.origin, self)
        self._transport: Optional[asyncio.Transport] = None
        self._unsent: List[bytes] = []
        self._unread = b""
        self._reader: Optional[asyncio.Future[None]] = None
        self._ended = False
        self._error: Optional[Exception] = None

    @override
    def is_ready(self) -> bool:
        # A socket that was dropped in this turn of the loop has not ended yet.
        is_open = not self._ended and self._error is None
        return is_open and not self._unread and not self._http.is_closed() and not self._http.has_unread()

    @override
    async def exchange(self, method: str, target: bytes, headers: Headers, body: Optional[bytes]) -> Reply:
        self.begin_answer()
        self._url.target = target
        request = httpcore.Request(method, self._url, headers=headers, content=body)
        try:
            response = await self._http.handle_async_request(request)
            headers_of_answer = {
                name.lower().decode("ascii"): value.decode("latin-1") for name, value in response.headers
            }
            self.check_length(headers_of_answer.get("content-length"))
            # Without httpcore's aread, which is 3 us more.
            parts = [part async for part in cast("AsyncIterable[bytes]", response.stream)]
            await response.aclose()
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            self.check_length(None)
            raise AnswerLostError(reason(error, "the connection broke")) from error
        return Reply(response.status, headers_of_answer, b"".join(parts), headers)

    @override
    def drop(self) -> None:
        # Or an answer that ends with the connection would seem to be complete.
        self._error = self._error or ConnectionAbortedError("the connection was dropped")
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        if not self.takes(data):
            return
        self._unread += data
        self._wake_reader()

    @override
    def eof_received(self) -> None:
        self._ended = True
        self._wake_reader()

    @override
    def connection_lost(self, exc: Optional[Exception]) -> None:
        self._ended = True
        self.lost_by = exc
        self._error = self._error or exc
        self._wake_reader()

    @override
    async def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        # httpcore writes the head and the body apart, and reads when the request is complete.
        self._unsent.append(buffer)

    @override
    async def read(self, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        self._flush()
        if not self._unread and not self._ended:
            self._reader = self._loop.create_future()
            await self._reader
        data, self._unread = self._unread, b""
        if not data and self._error is not None:
            raise httpcore.ReadError(str(self._error)) from self._error
        return data

    @override
    async def aclose(self) -> None:
        self.drop()

    def _flush(self) -> None:
        if self._unsent:
            assert self._transport is not None
            # Loops differ in what a write to a closed socket does. The read tells that it is closed.
            if not self._transport.is_closing():
                self._transport.write(b"".join(self._unsent))
            self._unsent.clear()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class _Http(httpcore.AsyncHTTP11Connection):
    """httpcore's HTTP/1.1, of which some details are not public; httpx holds httpcore to version 1, which has them."""

    def __init__(self, origin: httpcore.Origin, stream: httpcore.AsyncNetworkStream) -> None:
        super().__init__(origin, stream)
        # anyio's lock gives way to other tasks whenever it is taken, twice a request: 24 us of 160.
        self._state_lock = cast("Any", _Unlocked())

    async def _receive_response_headers(self, request: httpcore.Request) -> Any:  # a tuple that httpcore unpacks
        version, status, words, headers, more = await super()._receive_response_headers(request)
        if _LOGGER.isEnabledFor(logging.DEBUG):
            headers = [(name, SecretBytes(value) if name.lower() in _SECRET else value) for name, value in headers]
        return version, status, words, headers, more

    def has_unread(self) -> bool:
        """Whether bytes came behind the answer, which would be taken for the start of the next one."""
        unread, _ = self._h11_state.trailing_data
        return bool(unread)


class _Unlocked:
    """In place of a lock: the free list gives a connection to one request at a time."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass
