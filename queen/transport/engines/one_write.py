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


class Deadline:
    """When the request that is under way must be complete, in the loop's time."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = 0.0

    def within(self, timeout: Optional[float]) -> float:
        """The part of a timeout that is left; httpcore's own timeouts start anew with each packet."""
        left = max(0.0, self.at - asyncio.get_running_loop().time())
        return left if timeout is None else min(timeout, left)


class OneWriteBackend(httpcore.AsyncNetworkBackend):
    """Opens streams that hold what is written until the request is complete.

    Args:
        deadline: the deadline of the connection's requests.
    """

    def __init__(self, deadline: Deadline) -> None:
        # httpcore declares a stand-in for where anyio is missing, which type checkers may take for the class itself.
        self._backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._deadline = deadline

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
        return _OneWriteStream(stream, self._deadline)


class _OneWriteStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
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
        return await self._stream.read(max_bytes, timeout=self._deadline.within(timeout))

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: Optional[str] = None, timeout: Optional[float] = None
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return _OneWriteStream(stream, self._deadline)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    async def _release(self) -> None:
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            await self._stream.write(data, timeout=self._deadline.within(None))
