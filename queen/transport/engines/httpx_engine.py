"""The engine on httpx, which is always installed.

Each connection is an httpx transport of its own, checked out of a free list: httpcore assigns requests to the
connections of one pool in time that grows with connections times waiters. ``httpx.AsyncClient`` is left out: it costs
a third of a request, and normalises targets that the servers want byte for byte.
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
            reply = await connection.send(known, target, method, headers, body, deadline)
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
        self.prefix = urlsplit(url).path
        self.url = httpx.URL(url)
        ssl_context = _ssl_context() if self.url.scheme == "https" else None
        self.free: FreeList[_Connection] = FreeList(lambda: _Connection(ssl_context), connections)


class _Connection(httpx.AsyncHTTPTransport):
    """An httpx transport that holds a single connection."""

    def __init__(self, ssl_context: Optional[ssl.SSLContext]) -> None:
        # Without super().__init__(), which would make an SSL context (17 ms) and a pool whose backend cannot be chosen.
        self._deadline = Deadline()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=OneWriteBackend(self._deadline),
        )

    async def send(
        self, origin: _Origin, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        self._deadline.at = deadline
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        request = httpx.Request(
            method,
            origin.url,
            headers=list(headers),
            content=body,
            extensions={
                "target": (origin.prefix + target).encode("ascii"),
                "timeout": {"connect": min(left, _CONNECT_SECONDS), "read": left, "write": left, "pool": left},
            },
        )
        try:
            response = await self.handle_async_request(request)
            content = await response.aread()
        except httpx.ConnectTimeout:
            if left <= _CONNECT_SECONDS:
                raise DeadlinePassedError(maybe_delivered=False) from None
            raise NotSentError(f"no connection within {_CONNECT_SECONDS:.0f} s") from None
        except (httpx.ConnectError, httpx.UnsupportedProtocol) as error:
            raise NotSentError(_reason(error, "the connection was refused")) from error
        except httpx.TimeoutException:
            raise DeadlinePassedError(maybe_delivered=True) from None
        except httpx.TransportError as error:
            raise AnswerLostError(_reason(error, "the connection broke")) from error
        return Reply(response.status_code, response.headers, content)


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
