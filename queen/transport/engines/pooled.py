"""An engine over sockets: connections of one kind, kept open between requests, in a free list for each server."""

from __future__ import annotations

from typing import Callable, Dict, Mapping, NamedTuple, Optional

from typing_extensions import Protocol, override

from queen.addresses import ProxyAddress
from queen.transport.engine import Engine, Headers, Reply
from queen.transport.engines.free_list import FreeList
from queen.transport.engines.origin import Origin
from queen.transport.engines.tls import Tls


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


class Network(NamedTuple):
    """How servers are reached.

    Attributes:
        tls: the client's TLS settings.
        proxies: the proxy of each server that has one, by the server's URL.
    """

    tls: Tls
    proxies: Mapping[str, ProxyAddress]


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
        network: how servers are reached.
        connect: makes a connection; it is not opened yet.
    """

    def __init__(self, limits: Limits, network: Network, connect: Callable[[Origin, Limits], Connection]) -> None:
        self._limits = limits
        self._network = network
        self._connect = connect
        self._servers: Dict[str, _Server] = {}

    @override
    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        server = self._servers.get(origin)
        if server is None:
            found = Origin(origin, self._network.tls, self._network.proxies.get(origin))
            server = self._servers[origin] = _Server(found, self._limits, self._connect)
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
