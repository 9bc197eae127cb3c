"""Every error that this library raises, in one tree.

    QueenError
    ├── ConfigurationError            a wrong configuration; also a ValueError
    ├── ClientClosedError             the client was closed
    ├── WrongEventLoopError           the client belongs to another event loop or process; also a RuntimeError
    ├── ConnectionFailedError         no server could be reached, or the connection broke
    ├── QueenTimeoutError             no answer within the deadline; also a TimeoutError
    ├── OutcomeUnknownError           the request may or may not have taken effect
    ├── ProtocolError                 the answer is not what the API promises
    ├── LeaseLostError                a lease ended before the work was done
    ├── OutboxError                   the file of durable buffers cannot be used
    ├── PayloadError                  a payload does not fit the model of its queue
    ├── HttpStatusError               a status that means failure, without a Queen server's own words
    │   ├── AuthenticationError       401
    │   │   └── TokenUnavailableError     the function given as `auth` gave no token
    │   ├── PermissionDeniedError     403
    │   └── UnsupportedByServerError  404 for a route that only some server versions have
    ├── ServerRefusedError            the server read the request and refused it
    │   ├── PushRejectedError         one or more items of a push were refused
    │   └── TransactionError          nothing of the transaction happened
    └── QueenBufferError              buffered messages that were not sent
        └── BufferClosedError         a push to a buffer that is closed; also a ClientClosedError

Wrong arguments are ``ValueError`` or ``TypeError``, raised before anything is sent.
"""

from __future__ import annotations

from typing import Mapping, Optional, Sequence

__all__ = [
    "AuthenticationError",
    "BufferClosedError",
    "ClientClosedError",
    "ConfigurationError",
    "ConnectionFailedError",
    "HttpStatusError",
    "LeaseLostError",
    "OutboxError",
    "OutcomeUnknownError",
    "PayloadError",
    "PermissionDeniedError",
    "ProtocolError",
    "PushRejectedError",
    "QueenBufferError",
    "QueenError",
    "QueenTimeoutError",
    "ServerRefusedError",
    "TokenUnavailableError",
    "TransactionError",
    "UnsupportedByServerError",
    "WrongEventLoopError",
]


class QueenError(Exception):
    """The root of every error that this library raises of its own.

    Attributes:
        maybe_delivered: True when a request failed and may have taken effect all the same.
        unsent: of a push that failed, the items that the server did not accept, as they were given.
    """

    maybe_delivered: bool = False
    unsent: Sequence[Mapping[str, object]] = ()


class ConfigurationError(QueenError, ValueError):
    """The configuration given to ``Queen`` cannot be used; the message names the key and what is accepted."""


class ClientClosedError(QueenError):
    """The client was closed; make a new ``Queen``."""


class WrongEventLoopError(QueenError, RuntimeError):
    """The client was used in another event loop before, or in the process from which this one was forked.

    Attributes:
        operation: what was called.
        unsent: of a push, its items; of a ``close()``, the buffered messages that nobody can send any more.
    """

    def __init__(self, message: str, *, operation: str) -> None:
        super().__init__(message)
        self.operation = operation


class ConnectionFailedError(QueenError):
    """No server could be reached, or the connection broke before the answer was complete.

    Attributes:
        operation: the operation id, for example ``push``.
        attempts: how often each URL was tried, for example ``{"http://localhost:6632": 4}``.
        maybe_delivered: True when the request may have reached a server, so that it may have taken effect.
    """

    def __init__(self, reason: str, *, operation: str, attempts: Mapping[str, int], maybe_delivered: bool) -> None:
        tried = ", ".join(f"{url} ({_times(count)})" for url, count in attempts.items()) or "no server"
        doubt = "; the request may have reached the server" if maybe_delivered else ""
        super().__init__(f"{operation}: {reason}; tried {tried}{doubt}")
        self.operation = operation
        self.attempts = dict(attempts)
        self.maybe_delivered = maybe_delivered


class QueenTimeoutError(QueenError, TimeoutError):
    """No complete answer came within the deadline.

    Attributes:
        operation: the operation id.
        timeout_millis: the time that was allowed, in milliseconds, retries included.
        attempts: how often each URL was tried.
        maybe_delivered: True when the request may have reached a server.
    """

    def __init__(
        self, *, operation: str, timeout_millis: float, attempts: Mapping[str, int], maybe_delivered: bool
    ) -> None:
        tried = ", ".join(f"{url} ({_times(count)})" for url, count in attempts.items()) or "no server"
        doubt = "; the request may have reached the server" if maybe_delivered else ""
        super().__init__(f"{operation}: no answer within {timeout_millis:.0f} ms; tried {tried}{doubt}")
        self.operation = operation
        self.timeout_millis = timeout_millis
        self.attempts = dict(attempts)
        self.maybe_delivered = maybe_delivered


class OutcomeUnknownError(QueenError):
    """The answer was lost, and the server cannot tell whether the request took effect.

    Attributes:
        operation: the operation id.
        maybe_delivered: True, always.
    """

    maybe_delivered = True

    def __init__(self, message: str, *, operation: str) -> None:
        super().__init__(message)
        self.operation = operation


class ProtocolError(QueenError):
    """The answer is not what the API promises: no JSON, JSON of another kind, or too much of it.

    Attributes:
        operation: the operation id.
        url: the server that answered.
        status: the HTTP status.
        excerpt: the beginning of the body, as text.
        maybe_delivered: always True: somebody has read the request.
    """

    maybe_delivered = True

    def __init__(self, reason: str, *, operation: str, url: str, status: int, excerpt: str) -> None:
        super().__init__(f"{operation}: {url} answered {status}: {reason}; the body begins {excerpt!r}")
        self.operation = operation
        self.url = url
        self.status = status
        self.excerpt = excerpt


class LeaseLostError(QueenError):
    """A lease ended (expired, or taken over) before the work under it was done.

    Attributes:
        lease_id: the lease.
    """

    def __init__(self, message: str, *, lease_id: str) -> None:
        super().__init__(message)
        self.lease_id = lease_id


class OutboxError(QueenError):
    """The file of durable buffers cannot be opened, read or written; a push that raises it was not accepted.

    Attributes:
        path: the file.
        reason: what is wrong with it.
        owner: the process that has it open, where that is what is wrong and the system tells.
        unsent: of a push, its items as they were given; none of them is in the file.
    """

    def __init__(self, path: str, reason: str, *, owner: Optional[int] = None) -> None:
        super().__init__(f"the outbox {path} cannot be used: {reason}")
        self.path = path
        self.reason = reason
        self.owner = owner


class PayloadError(QueenError):
    """The payload of a popped message does not fit the model of its queue; the ``__cause__`` is the validation's error.

    Attributes:
        model: the model.
        reason: what does not fit, in the words of the validation.
    """

    def __init__(self, reason: str, *, model: type, name: str) -> None:
        super().__init__(f"the payload does not fit {name}: {reason}")
        self.model = model
        self.reason = reason


class HttpStatusError(QueenError):
    """The HTTP status means failure, and the body is not a Queen server's refusal (a proxy's page, for example).

    Attributes:
        operation: the operation id.
        url: the server that answered.
        status: the HTTP status.
        words: what the body says, shortened; a Queen server's own words where there are any.
        attempts: how often each URL was tried.
        maybe_delivered: True for 5xx: whatever stands before the server may have lost its answer.
    """

    attempts: Mapping[str, int] = {}

    def __init__(self, *, operation: str, url: str, status: int, words: str, advice: str = "") -> None:
        super().__init__(
            f"{operation}: {url} answered {status}: {words or 'no text'}" + (f"; {advice}" if advice else "")
        )
        self.operation = operation
        self.url = url
        self.status = status
        self.words = words
        self.maybe_delivered = status >= 500


class AuthenticationError(HttpStatusError):
    """401: the server asks for a token, or does not accept the one that was sent (``bearer_token``, ``auth``)."""


class TokenUnavailableError(AuthenticationError):
    """The function given as ``auth`` raised (what it raised is the ``__cause__``) or gave no token; nothing was sent.

    It may give one later: consumers and buffers wait and try again, as after a failed connection.

    Attributes:
        status: 0, since no server answered.
    """

    def __init__(self, reason: str, *, operation: str, url: str) -> None:
        QueenError.__init__(self, f"{operation}: no token to send to {url}: {reason}")
        self.operation = operation
        self.url = url
        self.status = 0
        self.words = reason


class PermissionDeniedError(HttpStatusError):
    """403: the token is valid, and its role may not do this."""


class UnsupportedByServerError(HttpStatusError):
    """404 for a route that only some server versions have.

    Attributes:
        route: the method and the path with its parameters in braces, for example ``"GET /api/v1/pop"``.
        versions: the server versions that have it, for example ``"0.15 and later"``.
    """

    def __init__(self, *, operation: str, url: str, status: int, words: str, route: str, versions: str) -> None:
        super().__init__(
            operation=operation,
            url=url,
            status=status,
            words=words,
            advice=f"servers {versions} have {route}; check the URL and the server's version",
        )
        self.route = route
        self.versions = versions


class ServerRefusedError(QueenError):
    """The server understood the request and refused it, in its own words.

    Attributes:
        operation: the operation id.
        status: the HTTP status; often 200, since Queen servers answer refusals of the database so.
        words: the server's own words.
    """

    def __init__(self, *, operation: str, status: int, words: str) -> None:
        super().__init__(f"{operation}: the server refused: {words} (status {status})")
        self.operation = operation
        self.status = status
        self.words = words


class PushRejectedError(ServerRefusedError):
    """The server refused one or more items of a push.

    Attributes:
        results: one result per item, in the order of the items.
        unsent: the items that were refused, as they were given to ``push``.
    """

    def __init__(
        self,
        *,
        operation: str,
        status: int,
        words: str,
        results: Sequence[Mapping[str, object]],
        unsent: Sequence[Mapping[str, object]],
    ) -> None:
        super().__init__(operation=operation, status=status, words=words)
        self.results = list(results)
        self.unsent = list(unsent)


class TransactionError(ServerRefusedError):
    """The server refused a transaction; nothing of it happened.

    Attributes:
        results: what the server says of each operation that it reached.
    """

    def __init__(self, *, operation: str, status: int, words: str, results: Sequence[Mapping[str, object]]) -> None:
        super().__init__(operation=operation, status=status, words=words)
        self.results = list(results)


class QueenBufferError(QueenError):
    """Buffered messages could not be sent.

    Attributes:
        unsent: every item that was not sent, as it was given to ``push``.
        maybe_delivered: True when some of them may be stored all the same: the answer of their last flush was lost.
            Pushed again under the ids that they have in ``unsent``, they are stored once.
    """

    def __init__(self, message: str, *, unsent: Sequence[Mapping[str, object]], maybe_delivered: bool = False) -> None:
        super().__init__(message)
        self.unsent = list(unsent)
        self.maybe_delivered = maybe_delivered


class BufferClosedError(QueenBufferError, ClientClosedError):
    """A push to a buffer of a client that was closed, before or while the push waited for room."""

    def __init__(self, message: str, *, unsent: Optional[Sequence[Mapping[str, object]]] = None) -> None:
        super().__init__(message, unsent=unsent or ())


_PERMANENT_ERRORS = (
    AuthenticationError,
    PermissionDeniedError,
    UnsupportedByServerError,
    ClientClosedError,
    ConfigurationError,
    WrongEventLoopError,
)

_TEMPORARY_STATUSES = (408, 429)


def is_permanent(error: BaseException) -> bool:
    """Whether no repeat helps: the same request would be refused for ever."""
    return isinstance(error, _PERMANENT_ERRORS) and not isinstance(error, TokenUnavailableError)


def is_final(error: Optional[BaseException]) -> bool:
    """Whether the server has decided: it would answer the same request in the same way again."""
    if error is None or isinstance(error, TokenUnavailableError):
        return False
    if isinstance(error, HttpStatusError) and not is_permanent(error):
        return error.status < 500 and error.status not in _TEMPORARY_STATUSES
    return is_permanent(error) or isinstance(error, ServerRefusedError)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
