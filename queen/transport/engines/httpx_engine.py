"""The engine on httpx, which is always installed: on httpcore, the part of it that speaks HTTP.

Each connection is one of httpcore's, checked out of a free list of our own. What httpx puts on top is left out: its
client (117 us a request, and it normalises targets that the servers want byte for byte), its transport, and httpcore's
pool, which assigns requests to connections in time that grows with connections times waiters.
"""

from __future__ import annotations

import asyncio
from typing import Dict, Optional

import httpcore
from typing_extensions import override

from queen.transport.engine import (
    AnswerLostError,
    DeadlinePassedError,
    EngineError,
    Headers,
    IdleClosedError,
    NotSentError,
    Reply,
)
from queen.transport.engines.one_write import Exchange, OneWriteBackend
from queen.transport.engines.pooled import IDLE_SECONDS, Connection, Limits, Origin, PooledEngine
from queen.transport.engines.reason import reason


class HttpxEngine(PooledEngine):
    """Sends requests through httpx.

    Args:
        limits: what its connections are held to.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits, _Connection)


class _Connection(Connection):
    def __init__(self, origin: Origin, limits: Limits) -> None:
        self._origin = origin
        self._limits = limits
        self._url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=b"/")
        self._exchange = Exchange()
        self._used_at = 0.0
        self._http = self._unopened()

    @override
    async def send(self, target: bytes, method: str, headers: Headers, body: Optional[bytes], deadline: float) -> Reply:
        loop = asyncio.get_running_loop()
        left = max(0.0, deadline - loop.time())
        # A server may also have said with its last answer that it closes.
        if self._http.is_closed() or self._http.has_expired():
            await self._http.aclose()
            self._http = self._unopened()
        was_idle = self._http.is_idle() and loop.time() - self._used_at >= IDLE_SECONDS
        self._exchange.begin(deadline)
        connect = min(left, self._limits.connect_seconds)
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=self._url.scheme, host=self._url.host, port=self._url.port, target=target),
            headers=[(b"host", self._origin.authority), *headers, *_length(method, body)],
            content=body,
            extensions={"timeout": {"connect": connect, "read": left, "write": left}},
        )
        try:
            response = await self._http.handle_async_request(request)
            try:
                content = await response.aread()
            finally:
                await response.aclose()
        except httpcore.ConnectTimeout:
            if left <= self._limits.connect_seconds:
                raise DeadlinePassedError(maybe_delivered=False) from None
            raise NotSentError(f"no connection within {self._limits.connect_seconds:g} s") from None
        except httpcore.ConnectError as error:
            raise NotSentError(reason(error, "the connection was refused")) from error
        except httpcore.TimeoutException:
            raise DeadlinePassedError(maybe_delivered=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise self._lost(error, closed_idle=was_idle and not self._exchange.heard) from error
        self._used_at = loop.time()
        return Reply(response.status, _names_in_lower_case(response.headers), content)

    @override
    async def aclose(self) -> None:
        await self._http.aclose()

    @staticmethod
    def _lost(error: Exception, *, closed_idle: bool) -> EngineError:
        kind = IdleClosedError if closed_idle else AnswerLostError
        return kind(reason(error, "the connection broke"))

    def _unopened(self) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(
            self._url.origin,
            ssl_context=self._origin.ssl_context,
            keepalive_expiry=self._limits.keep_alive_seconds,
            network_backend=OneWriteBackend(self._exchange),
        )


def _length(method: str, body: Optional[bytes]) -> Headers:
    if body is None and method not in ("POST", "PUT", "PATCH"):
        return ()
    return ((b"content-length", str(len(body or b"")).encode("ascii")),)


def _names_in_lower_case(headers: Headers) -> Dict[str, str]:
    return {name.decode("ascii").lower(): value.decode("latin-1") for name, value in headers}
