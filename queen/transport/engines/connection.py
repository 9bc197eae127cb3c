"""A connection of a socket engine: the socket, its deadlines and its idle time, whichever library speaks HTTP on it."""

from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from typing import Callable, Optional

from typing_extensions import Final, override

from queen.transport.engine import (
    AnswerLostError,
    DeadlinePassedError,
    Headers,
    IdleClosedError,
    NotSentError,
    Reply,
    TooLongError,
)
from queen.transport.engines import proxy
from queen.transport.engines.dialling import dial
from queen.transport.engines.origin import Origin
from queen.transport.engines.pooled import Connection, Limits
from queen.transport.engines.reason import reason

# Servers close what was idle for seconds. A connection that breaks sooner after its last answer has failed.
_IDLE_SECONDS: Final = 1.0
# Methods whose requests say how long their body is even where there is none.
_METHODS_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))

_CLOSED_EARLY: Final = "the connection was closed as it was made"


# Up to its status, an answer is ``HTTP/1.1 200``.
STATUS: Final = slice(9, 12)


class HttpProtocol(asyncio.Protocol, ABC):
    """What an HTTP library says and understands on one open socket, one request after the other.

    Args:
        limit: how many bytes an answer may have.

    Attributes:
        heard: whether any of the answer to the request sent last has come.
        lost_by: what ended the socket, where it was an error.
    """

    def __init__(self, limit: int) -> None:
        self.heard = False
        self._limit = limit
        self._count = 0
        self._begin = b""
        self.lost_by: Optional[Exception] = None

    def begin_answer(self) -> None:
        """Count from here: a request is sent."""
        self.heard = False
        self._count = 0

    def takes(self, data: bytes) -> bool:
        """Count what has come; False, and the socket is closed, when that is more than an answer may have."""
        if not self.heard:
            self.heard = True
            self._begin = data[: STATUS.stop]
        self._count += len(data)
        if self._count <= self._limit:
            return True
        self.drop()
        return False

    def check_length(self, announced: Optional[str]) -> None:
        """Refuse an answer that was too long, or says that it will be.

        Args:
            announced: its content-length.

        Raises:
            TooLongError: it is.
        """
        # A length that is no number is an error of its own, of those who read bodies.
        if self._count > self._limit or (announced and announced.isdigit() and _exceeds(announced, self._limit)):
            status = self._begin[STATUS]
            raise TooLongError(self._limit, int(status) if status.isdigit() else 0)

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the next request can be sent: the socket is open, and nothing of the last answer is left on it."""

    @abstractmethod
    async def exchange(self, method: str, target: bytes, headers: Headers, body: Optional[bytes]) -> Reply:
        """Send a request, its head and its body in one write, and read the whole answer.

        In one write because a server 0.7 crashes when the body of a lease extension comes in a later packet, and any
        server is spared a packet and a wake-up.

        Args:
            method: the HTTP method.
            target: the finished path and query.
            headers: all headers.
            body: the body, or None for none.

        Raises:
            AnswerLostError: there is no complete answer.
            TooLongError: there is more of it than is accepted.
        """

    @abstractmethod
    def drop(self) -> None:
        """Close the socket at once.

        Who waits for an answer is told, also of one whose body would be complete with the end of the connection.
        """


class SocketConnection(Connection):
    """A connection whose socket is kept open between requests.

    Args:
        origin: where to connect to.
        limits: what the connection is held to.
        make_protocol: makes what speaks HTTP on each socket.
    """

    def __init__(
        self,
        origin: Origin,
        limits: Limits,
        make_protocol: Callable[[asyncio.AbstractEventLoop, Origin, int], HttpProtocol],
    ) -> None:
        self._origin = origin
        self._limits = limits
        self._make_protocol = make_protocol
        self._protocol: Optional[HttpProtocol] = None
        self._used_at = 0.0
        self._closed = False
        self._expired = False

    @override
    async def send(self, target: bytes, method: str, headers: Headers, body: Optional[bytes], deadline: float) -> Reply:
        loop = asyncio.get_running_loop()
        idle = loop.time() - self._used_at
        protocol = await self._kept_open(idle)
        was_idle = protocol is not None and idle >= _IDLE_SECONDS
        if protocol is None:
            protocol = self._protocol = await self._open(loop, deadline)
            if not protocol.is_ready():
                raise NotSentError(await _why_closed(protocol) + self._origin.via)
        self._expired = False
        timer = loop.call_at(deadline, self._expire)
        try:
            reply = await protocol.exchange(method, target, self._all_headers(method, headers, body), body)
        except AnswerLostError as error:
            if self._expired:
                raise DeadlinePassedError(maybe_delivered=True) from error
            if was_idle and not protocol.heard:
                raise IdleClosedError(str(error)) from error
            raise
        finally:
            timer.cancel()
        if reply.status == proxy.AUTHENTICATION_REQUIRED and self._origin.proxy is not None:
            raise proxy.refusal(self._origin, reply.status)
        self._used_at = loop.time()
        return reply

    @override
    async def aclose(self) -> None:
        self._closed = True
        self._drop()

    async def _kept_open(self, idle: float) -> Optional[HttpProtocol]:
        """The protocol of the last request, so many seconds ago, if it can take another one."""
        protocol = self._protocol
        if protocol is None:
            return None
        if idle >= _IDLE_SECONDS:
            # The loop may have been blocked when the server closed: one turn to poll the sockets, one to act on it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if idle < self._limits.keep_alive_seconds and protocol.is_ready():
            return protocol
        protocol.drop()
        return None

    async def _open(self, loop: asyncio.AbstractEventLoop, deadline: float) -> HttpProtocol:
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
            raise NotSentError(f"no connection within {self._limits.connect_seconds:g} s{self._origin.via}")
        try:
            protocol = opening.result()
        except OSError as error:
            raise NotSentError(reason(error, _CLOSED_EARLY) + self._origin.via) from error
        if self._closed:
            protocol.drop()
            raise NotSentError("the client was closed")
        return protocol

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> HttpProtocol:
        origin = self._origin
        make = functools.partial(self._make_protocol, loop, origin, self._limits.answer_bytes)
        sock = await (proxy.open_tunnel(loop, origin) if origin.is_tunnelled else dial(loop, *origin.address))
        name = origin.host if origin.ssl_context is not None else None
        _, protocol = await loop.create_connection(make, sock=sock, ssl=origin.ssl_context, server_hostname=name)
        return protocol

    def _all_headers(self, method: str, headers: Headers, body: Optional[bytes]) -> Headers:
        if body is None and method not in _METHODS_WITH_BODY:
            return [*self._origin.headers, *headers]
        length = b"%d" % len(body or b"")
        return [*self._origin.headers, *headers, (b"content-length", length)]

    def _expire(self) -> None:
        self._expired = True
        self._drop()

    def _drop(self) -> None:
        if self._protocol is not None:
            self._protocol.drop()


def _exceeds(digits: str, limit: int) -> bool:
    # An integer of more digits than Python reads is larger than any limit.
    return len(digits.lstrip("0")) > len(str(limit)) or int(digits) > limit


async def _why_closed(protocol: HttpProtocol) -> str:
    """Why a socket was closed as it was made. With TLS 1.3 that is how a server refuses a client's certificate."""
    # The end of a socket goes through the transport, the TLS layer and the protocol, a turn of the loop each.
    for _ in range(3):
        await asyncio.sleep(0)
    return _CLOSED_EARLY if protocol.lost_by is None else reason(protocol.lost_by, _CLOSED_EARLY)


def _abandon(opening: asyncio.Task[HttpProtocol]) -> None:
    """Nobody waits any more for a connection that may have been made in this moment."""
    if not opening.cancel() and not opening.cancelled() and opening.exception() is None:
        opening.result().drop()
