"""The engine on httpx, which is always installed: on httpcore, the part of it that speaks HTTP.

Each connection is one of httpcore's, checked out of a free list of our own. What httpx puts on top is left out: its
client (117 us a request, and it normalises targets that the servers want byte for byte), its transport, and httpcore's
pool, which assigns requests to connections in time that grows with connections times waiters.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl
from typing import Dict, Optional
from urllib.parse import urlsplit

import httpcore
import httpx
from typing_extensions import Final, override

from queen.transport.engine import AnswerLostError, DeadlinePassedError, Engine, Headers, NotSentError, Reply
from queen.transport.engines.free_list import FreeList
from queen.transport.engines.one_write import Deadline, OneWriteBackend

# A host that drops packets must not take the whole time of a call that another server could answer.
_CONNECT_SECONDS: Final = 5.0
# Below the idle timeouts of common proxies and servers, so that a connection is rarely closed as it is used.
_KEEP_ALIVE_SECONDS: Final = 30.0


class HttpxEngine(Engine):
    """Sends requests through httpx.

    Args:
        connections: how many connections to open to one server at most; None for as many as there are requests.
    """

    def __init__(self, connections: Optional[int]) -> None:
        self._connections = connections
        self._origins: Dict[str, _Origin] = {}

    @override
    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        known = self._origins.get(origin)
        if known is None:
            known = self._origins[origin] = _Origin(origin, self._connections)
        connection = await known.free.take(deadline)
        keep = False
        try:
            reply = await connection.send(target, method, headers, body, deadline)
            # Servers send a body behind a 204, which the next request on the connection would read as its answer.
            keep = reply.status != 204
            return reply
        finally:
            if keep and not known.free.closed:
                known.free.give(connection)
            else:
                await known.free.discard(connection)

    @override
    async def close(self) -> None:
        for origin in self._origins.values():
            await origin.free.close()


class _Origin:
    """One server: its address in parts, and its free connections."""

    def __init__(self, url: str, connections: Optional[int]) -> None:
        parts = urlsplit(url)
        address = httpcore.URL(url)
        self.prefix = parts.path.encode("ascii")
        self.authority = parts.netloc.rpartition("@")[2].encode("ascii")
        self.url = httpcore.URL(scheme=address.scheme, host=address.host, port=address.port, target=b"/")
        self.ssl_context = _ssl_context() if parts.scheme == "https" else None
        self.free: FreeList[_Connection] = FreeList(lambda: _Connection(self), connections)


class _Connection:
    """A connection that is opened with its first request, and again when the server has closed it meanwhile."""

    def __init__(self, origin: _Origin) -> None:
        self._origin = origin
        self._deadline = Deadline()
        self._http = self._closed()

    async def send(self, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float) -> Reply:
        self._deadline.at = deadline
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        if self._http.has_expired():
            await self._http.aclose()
            self._http = self._closed()
        request = httpcore.Request(
            method,
            self._url(target),
            headers=[(b"host", self._origin.authority), *headers, *_length(method, body)],
            content=body,
            extensions={"timeout": {"connect": min(left, _CONNECT_SECONDS), "read": left, "write": left}},
        )
        try:
            response = await self._http.handle_async_request(request)
            try:
                content = await response.aread()
            finally:
                await response.aclose()
        except httpcore.ConnectTimeout:
            if left <= _CONNECT_SECONDS:
                raise DeadlinePassedError(maybe_delivered=False) from None
            raise NotSentError(f"no connection within {_CONNECT_SECONDS:.0f} s") from None
        except httpcore.ConnectError as error:
            raise NotSentError(_reason(error, "the connection was refused")) from error
        except httpcore.TimeoutException:
            raise DeadlinePassedError(maybe_delivered=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise AnswerLostError(_reason(error, "the connection broke")) from error
        return Reply(response.status, _names_in_lower_case(response.headers), content)

    async def aclose(self) -> None:
        """Close it."""
        await self._http.aclose()

    def _closed(self) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(
            self._origin.url.origin,
            ssl_context=self._origin.ssl_context,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=OneWriteBackend(self._deadline),
        )

    def _url(self, target: str) -> httpcore.URL:
        known = self._origin.url
        return httpcore.URL(
            scheme=known.scheme, host=known.host, port=known.port, target=self._origin.prefix + target.encode("ascii")
        )


def _length(method: str, body: Optional[bytes]) -> Headers:
    if body is None and method not in ("POST", "PUT", "PATCH"):
        return ()
    return ((b"content-length", str(len(body or b"")).encode("ascii")),)


def _names_in_lower_case(headers: Headers) -> Dict[str, str]:
    return {name.decode("ascii").lower(): value.decode("latin-1") for name, value in headers}


@functools.lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _reason(error: Exception, otherwise: str) -> str:
    """What the operating system said; httpx keeps it at the bottom of a chain of causes."""
    root: BaseException = error
    while root.__cause__ is not None or root.__context__ is not None:
        root = root.__cause__ or root.__context__ or root
    if isinstance(root, (socket.gaierror, ssl.SSLError)):
        return root.strerror or str(root)
    if isinstance(root, OSError) and root.errno:
        return os.strerror(root.errno).lower()
    return str(error) or otherwise
