"""An engine over sockets: connections of one kind, kept open between requests, in a free list for each server."""

from __future__ import annotations

import ssl
from typing import Callable, Dict, NamedTuple, Optional
from urllib.parse import urlsplit

from typing_extensions import Protocol, override

from queen.transport.engine import Engine, Headers, Reply
from queen.transport.engines.free_list import FreeList
from queen.transport.engines.tls import ssl_context


class Limits(NamedTuple):
    """What connections are held to.

    Attributes:
        connections: how many may be open to one server; None for as many as there are requests.
        connect_seconds: how long it may take to open one.
        keep_alive_seconds: how long one is kept open without a request.
        answer_bytes: how long an answer may be.
    """

    connections: Optional[int]
    connect_seconds: float
    keep_alive_seconds: float
    answer_bytes: int


class Origin:
    """The address of a server, taken apart once.

    Attributes:
        scheme: ``http`` or ``https``.
        host: the name or address to connect to.
        port: the port to connect to.
        authority: the ``host`` header.
        prefix: the path in front of every target.
        ssl_context: the TLS settings; None for plain HTTP.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.authority = parts.netloc.encode("ascii")
        self.prefix = parts.path
        self.ssl_context: Optional[ssl.SSLContext] = ssl_context() if parts.scheme == "https" else None


class Connection(Protocol):
    """A connection to one server, opened with its first request and again when it was closed meanwhile."""

    async def send(self, target: bytes, method: str, headers: Headers, body: Optional[bytes], deadline: float) -> Reply:
        """As ``Engine.send``, with the whole target."""
        ...

    async def aclose(self) -> None:
        """Close it, in the middle of a request too."""
        ...


class PooledEngine(Engine):
    """Sends requests over connections that are used again.

    Args:
        limits: what the connections are held to.
        connect: makes a connection; it is not opened yet.
    """

    def __init__(self, limits: Limits, connect: Callable[[Origin, Limits], Connection]) -> None:
        self._limits = limits
        self._connect = connect
        self._servers: Dict[str, _Server] = {}

    @override
    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        server = self._servers.get(origin)
        if server is None:
            server = self._servers[origin] = _Server(Origin(origin), self._limits, self._connect)
        connection = await server.free.take(deadline)
        keep = False
        try:
            reply = await connection.send(
                (server.origin.prefix + target).encode("ascii"), method, headers, body, deadline
            )
            # Servers send a body behind a 204, which the next request on the connection would read as its answer.
            keep = reply.status != 204
            return reply
        finally:
            if keep and not server.free.closed:
                server.free.give(connection)
            else:
                await server.free.discard(connection)

    @override
    async def close(self) -> None:
        for server in self._servers.values():
            await server.free.close()


class _Server:
    def __init__(self, origin: Origin, limits: Limits, connect: Callable[[Origin, Limits], Connection]) -> None:
        self.origin = origin
        self.free: FreeList[Connection] = FreeList(lambda: connect(origin, limits), limits.connections)
