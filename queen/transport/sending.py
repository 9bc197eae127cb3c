"""One call from its first attempt to its value or error: repeats on one server, then the next server."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Callable, Dict, Generic, Optional, Tuple, TypeVar, Union

import attrs
from queen_api import Request
from typing_extensions import Final

from queen import logs
from queen.errors import (
    ClientClosedError,
    ConnectionFailedError,
    HttpStatusError,
    ProtocolError,
    QueenError,
    QueenTimeoutError,
    TokenUnavailableError,
)
from queen.transport import answer
from queen.transport.engine import (
    DeadlinePassedError,
    Engine,
    EngineError,
    Headers,
    IdleClosedError,
    NoTokenError,
    NotSentError,
    Reply,
    TooLongError,
)
from queen.transport.redaction import redacted
from queen.transport.retry import RetryPolicy, repeatable, retry_after_seconds
from queen.transport.router import Router, Server

if TYPE_CHECKING:
    from queen.hooks.calls import HookCalls

T = TypeVar("T")

# Request timeout (the request was not read to its end) and too many requests.
_NOT_PROCESSED: Final = (408, 429)
_SERVER_ERROR: Final = 500
_REDIRECT: Final = 300
# Of the time for all attempts, so much must have been given to one before its server is marked for not answering.
_FAIR_SHARE: Final = 0.5


@attrs.frozen
class Answer(Generic[T]):
    """A value, and how it came.

    Attributes:
        value: what the server answered.
        repeated: True when an earlier attempt of the same request may have reached a server too.
        server: who answered.
    """

    value: T
    repeated: bool
    server: Server


@attrs.define
class Sending(Generic[T]):
    """One request on its way, with what its attempts have in common.

    Attributes:
        request: what is sent.
        headers: its headers.
        body: its encoded body, or None.
        seconds: the time for all attempts together.
        router: picks the servers.
        retry: says when to repeat.
        engine: moves each attempt.
        closed: whether the client was closed meanwhile, so that no repeat can help.
        is_poll: whether the server may hold back the answer, so that none in time is no failure of the server.
        repeat_lost: whether a request that must not be repeated is repeated once all the same when its answer is lost.
        hooks: told of each repeat.
    """

    request: Request[T]
    headers: Headers = attrs.field(repr=False)
    body: Optional[bytes] = attrs.field(repr=False)
    seconds: float
    router: Router
    retry: RetryPolicy
    engine: Engine
    closed: Callable[[], bool]
    is_poll: bool = False
    repeat_lost: bool = False
    hooks: Optional[HookCalls] = None
    _deadline: float = attrs.field(init=False, default=0.0)
    _attempts: Dict[str, int] = attrs.field(init=False, factory=dict)
    _maybe_delivered: bool = attrs.field(init=False, default=False)
    _failed: Optional[Tuple[str, str]] = attrs.field(init=False, default=None)

    async def run(self, affinity: Optional[str]) -> Answer[T]:
        """Send until there is an answer, or no attempt is left."""
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + self.seconds
        last: Union[Reply, EngineError, None] = None
        servers = self.router.candidates(affinity, loop.time())
        for server in servers:
            repeat = 0
            while True:
                if self.is_poll:
                    # The server holds each attempt for the whole time anew.
                    self._deadline = loop.time() + self.seconds
                started = loop.time()
                last = await self._attempt(server)
                if isinstance(last, Reply) and not self._has_failed(last):
                    self.router.answered(server)
                    return self._read(last, server)
                if self.closed():
                    raise self._closed_error()
                self._note_failure(server, last, started)
                repeat += 1
                if self._may_repeat(last):
                    leave = repeat > self.retry.attempts
                elif self._takes_lost_repeat(last):
                    # This one repeat goes to the next server, if there is one.
                    leave = server is not servers[-1]
                else:
                    raise self._error(last, server)
                if leave or not await self._wait(repeat, last):
                    break
        if last is None:  # pragma: no cover  (a configuration has at least one server)
            raise AssertionError("no server")
        raise self._error(last, servers[-1])

    async def _attempt(self, server: Server) -> Union[Reply, EngineError]:
        if self._failed is not None and self.hooks is not None:
            self._tell_of_repeat(self.hooks, server, *self._failed)
        last = await self._send(server)
        if isinstance(last, IdleClosedError) and repeatable(self.request):
            # Servers close idle connections every day: nothing to log, to wait for, or to hold against the server.
            self._maybe_delivered = True
            last = await self._send(server)
        return last

    def _tell_of_repeat(self, hooks: HookCalls, server: Server, failed: str, reason: str) -> None:
        # Imported here, since most clients have none.
        from queen.hooks.events import Retry

        attempt = sum(self._attempts.values()) + 1
        hooks.retrying(
            Retry(
                operation=self.request.operation.id,
                server=server.url,
                failed_server=failed,
                attempt=attempt,
                reason=reason,
            )
        )

    async def _send(self, server: Server) -> Union[Reply, EngineError]:
        operation = self.request.operation
        self._attempts[server.url] = self._attempts.get(server.url, 0) + 1
        if logs.enabled(logging.DEBUG):
            logs.event(
                logging.DEBUG, "HttpClient.request", method=operation.method, url=server.url + self.request.target
            )
        try:
            reply = await self.engine.send(
                server.url, self.request.target, operation.method, self.headers, self.body, self._deadline
            )
            return reply if reply.status < _REDIRECT else redacted(reply)
        except TooLongError as error:
            # The same request would be answered in the same way, by a server that is well.
            raise answer.too_long(operation, error, server.url) from None
        except EngineError as error:
            return error
        except NoTokenError as error:
            missing = TokenUnavailableError(str(error), operation=operation.id, url=server.url)
            missing.maybe_delivered = self._maybe_delivered
            raise missing from error.__cause__

    @staticmethod
    def _has_failed(reply: Reply) -> bool:
        if reply.status in _NOT_PROCESSED:
            return True
        return reply.status >= _SERVER_ERROR and not answer.is_refusal(reply)

    def _read(self, reply: Reply, server: Server) -> Answer[T]:
        repeated = self._maybe_delivered
        try:
            return Answer(answer.read(self.request, reply, server.url), repeated, server)
        except QueenError as error:
            shown = redacted(reply)
            if shown is reply:
                error.maybe_delivered = error.maybe_delivered or repeated
                raise
        # Outside of the handler, or the error would keep the first one as its context, with all that it shows.
        unreadable = self._unreadable(shown, server)
        unreadable.maybe_delivered = unreadable.maybe_delivered or repeated
        raise unreadable

    def _unreadable(self, shown: Reply, server: Server) -> QueenError:
        """What is wrong with an answer that could not be read, by what may be shown of it."""
        try:
            answer.read(self.request, shown, server.url)
        except QueenError as error:
            return error
        # What was wrong with it was the secret itself: what is left can be read, and is not what the server said.
        return ProtocolError(
            "it repeats a secret of its request",
            operation=self.request.operation.id,
            url=server.url,
            status=shown.status,
            excerpt="",
        )

    def _note_failure(self, server: Server, last: Union[Reply, EngineError], started: float) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(last, Reply):
            unhealthy = maybe_delivered = last.status >= _SERVER_ERROR
            what = f"status {last.status}"
        else:
            maybe_delivered = last.maybe_delivered
            if isinstance(last, DeadlinePassedError):
                unhealthy = self._had_its_time(last, now - started)
            else:
                unhealthy = not isinstance(last, IdleClosedError)
            what = str(last)
        self._maybe_delivered = self._maybe_delivered or maybe_delivered
        self._failed = server.url, what
        if unhealthy:
            self.router.failed(server, now)
        operation = self.request.operation.id
        logs.event(logging.WARNING, "HttpClient.request", operation=operation, url=server.url, failed=what)

    def _had_its_time(self, last: DeadlinePassedError, spent: float) -> bool:
        """Whether a server that did not answer in time is to blame: not for a poll, nor for the rest of a deadline."""
        if self.is_poll and last.maybe_delivered:
            return False
        return spent >= _FAIR_SHARE * self.seconds

    def _may_repeat(self, last: Union[Reply, EngineError]) -> bool:
        if isinstance(last, DeadlinePassedError):
            return False
        if isinstance(last, NotSentError) or (isinstance(last, Reply) and last.status in _NOT_PROCESSED):
            return True
        return repeatable(self.request)

    def _takes_lost_repeat(self, last: Union[Reply, EngineError]) -> bool:
        """Use up the one repeat of a request that must not be repeated; whether it was left."""
        if isinstance(last, DeadlinePassedError):
            return False
        allowed, self.repeat_lost = self.repeat_lost, False
        return allowed

    async def _wait(self, repeat: int, last: Union[Reply, EngineError]) -> bool:
        """Wait before a repeat; False when the deadline would come first."""
        asked = retry_after_seconds(last.headers.get("retry-after")) if isinstance(last, Reply) else None
        pause = self.retry.wait_before(repeat, asked)
        if asyncio.get_running_loop().time() + pause >= self._deadline:
            return False
        await asyncio.sleep(pause)
        return True

    def _closed_error(self) -> ClientClosedError:
        error = ClientClosedError(f"{self.request.operation.id}: the client was closed before the answer came")
        error.maybe_delivered = True
        return error

    def _error(self, last: Union[Reply, EngineError], server: Server) -> QueenError:
        operation = self.request.operation.id
        if isinstance(last, Reply):
            error = answer.status_error(self.request.operation, last, server.url)
            error.maybe_delivered = error.maybe_delivered or self._maybe_delivered
            if isinstance(error, HttpStatusError):
                error.attempts = dict(self._attempts)
            return error
        if isinstance(last, DeadlinePassedError):
            return QueenTimeoutError(
                operation=operation,
                timeout_millis=self.seconds * 1000,
                attempts=self._attempts,
                maybe_delivered=self._maybe_delivered,
            )
        return ConnectionFailedError(
            str(last), operation=operation, attempts=self._attempts, maybe_delivered=self._maybe_delivered
        )
