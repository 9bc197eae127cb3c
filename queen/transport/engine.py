"""What an engine is: it moves one request over one connection pool, and knows nothing of retries or servers."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Sequence, Tuple

from typing_extensions import Protocol, override

Headers = Sequence[Tuple[bytes, bytes]]


class Reply(NamedTuple):
    """A complete HTTP answer.

    Attributes:
        status: the status.
        headers: the headers, their names in lower case.
        body: the whole body.
        sent: all headers of the request, whose secrets the body may repeat.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: Headers = ()

    @override
    def __repr__(self) -> str:
        # Not the headers, which may hold cookies: a repr shows among the locals of a traceback.
        return f"Reply(status={self.status}, {len(self.body)} bytes)"


class EngineError(Exception):
    """A request that got no complete answer; what an engine makes of its library's exceptions.

    Attributes:
        maybe_delivered: True when the request may have reached the server.
    """

    maybe_delivered = True


class NotSentError(EngineError):
    """No connection could be made: nothing of the request reached the server."""

    maybe_delivered = False


class AnswerLostError(EngineError):
    """The connection broke after the request may have reached the server."""


class IdleClosedError(AnswerLostError):
    """A connection that had been idle was closed before any of the answer came.

    Servers close idle connections as they like, so it is most likely that the request crossed with the end of the
    connection, and it says nothing of the server's health.
    """


class TooLongError(EngineError):
    """The answer is longer than is accepted.

    Attributes:
        status: the HTTP status; 0 where not even that could be read.
    """

    def __init__(self, limit: int, status: int) -> None:
        super().__init__(f"the answer is longer than {limit} bytes (max_response_bytes)")
        self.status = status


class DeadlinePassedError(EngineError):
    """The deadline came first."""

    def __init__(self, *, maybe_delivered: bool) -> None:
        super().__init__("the deadline passed")
        self.maybe_delivered = maybe_delivered


class NoTokenError(Exception):
    """There is no token to send a request with. No server has part in it, and none is tried in place of another."""


class Engine(Protocol):
    """Sends requests and reads answers over connections of its own."""

    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        """Send one request and read the whole answer.

        Args:
            origin: ``http://host:port``, with a path in front of every target where the server stands behind one.
            target: the finished path and query, sent byte for byte.
            method: the HTTP method.
            headers: all headers but ``host`` and ``content-length``.
            body: the body, or None for none.
            deadline: when to give up, in the running loop's time.

        Raises:
            EngineError: there is no complete answer.
            NoTokenError: nothing was sent, for want of a token.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
