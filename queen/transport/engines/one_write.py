"""A network backend for httpcore that sends the head and the body of a request in one write.

httpcore writes them apart. A server 0.7 crashes when the body of a lease extension comes in a later packet, and any
server is spared a packet and a wake-up.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Iterable, List, Optional, cast

import httpcore
from typing_extensions import override


class Exchange:
    """The request that is under way on a connection.

    Attributes:
        deadline: when its answer must be complete, in the loop's time.
        heard: whether any of its answer has come.
    """

    __slots__ = ("deadline", "heard")

    def __init__(self) -> None:
        self.begin(0.0)

    def begin(self, deadline: float) -> None:
        """The next request."""
        self.deadline = deadline
        self.heard = False

    def within(self, timeout: Optional[float]) -> float:
        """The part of a timeout that is left; httpcore's own timeouts start anew with each packet."""
        left = max(0.0, self.deadline - asyncio.get_running_loop().time())
        return left if timeout is None else min(timeout, left)


class OneWriteBackend(httpcore.AsyncNetworkBackend):
    """Opens streams that hold what is written until the request is complete.

    Args:
        exchange: the request that is under way on the connection.
    """

    def __init__(self, exchange: Exchange) -> None:
        # httpcore declares a stand-in for where anyio is missing, which type checkers may take for the class itself.
        self._backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._exchange = exchange

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Optional[float] = None,
        local_address: Optional[str] = None,
        socket_options: Optional[Iterable[Any]] = None,  # httpcore's own alias for these is not exported
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._backend.connect_tcp(
            host, port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
        return _OneWriteStream(stream, self._exchange)


class _OneWriteStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange
        self._held: List[bytes] = []

    @override
    async def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        # httpcore ends each request with an empty write.
        if buffer:
            self._held.append(buffer)
        else:
            await self._release()

    @override
    async def read(self, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        await self._release()
        data = await self._stream.read(max_bytes, timeout=self._exchange.within(timeout))
        self._exchange.heard = self._exchange.heard or bool(data)
        return data

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: Optional[str] = None, timeout: Optional[float] = None
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _OneWriteStream(stream, self._exchange)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    async def _release(self) -> None:
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            await self._stream.write(data, timeout=self._exchange.within(None))
