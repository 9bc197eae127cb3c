"""The one place from which requests are sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, List, Mapping, Optional, TypeVar, cast

from queen_api import Request
from queen_api.api import system
from typing_extensions import Final

from queen.config import ClientConfig
from queen.errors import ClientClosedError, QueenTimeoutError
from queen.transport import codec
from queen.transport.authorization import authorized
from queen.transport.dialect import Dialect, dialect_of
from queen.transport.engine import Engine
from queen.transport.home import Home
from queen.transport.probing import Probe, Prober
from queen.transport.request_headers import request_headers
from queen.transport.retry import RetryPolicy
from queen.transport.router import Router
from queen.transport.sending import Answer, Sending

if TYPE_CHECKING:
    from queen.hooks.calls import HookCalls

T = TypeVar("T")

# Servers answer a long poll up to two seconds after its time.
_POLL_GRACE: Final = 5.0


class Transport:
    """Sends requests: picks the server, sets the deadline, repeats, fails over, and reads the answer.

    Args:
        config: the client's configuration.
        engine: moves requests.
        poll_engine: moves long polls. It has connections of its own, so that a hundred parked polls stop no ack.

    Attributes:
        home: the event loop and process that the client belongs to.
        timeout: how long one call may take, in seconds.
        connections: how many requests one server is sent at the same time.
        retry: how long is waited between repeats, for those who repeat what it gave up on.
        hooks: what is told of what the client does; None where there are none.
    """

    def __init__(self, config: ClientConfig, engine: Engine, poll_engine: Engine) -> None:
        self.home: Final = Home(movable=not config.embedded)
        self.timeout: Final = config.timeout_millis / 1000
        self.connections: Final = config.max_connections
        self.retry: Final = RetryPolicy(attempts=config.retry_attempts, delay=config.retry_delay_millis / 1000)
        self.hooks: Final = _hook_calls(config)
        self._router = Router(config)
        self._dialect = None if config.dialect is None else Dialect(config.dialect)
        self._engine, self._poll_engine = authorized(config, engine, poll_engine)
        self._closed = False
        headers = request_headers(config)
        self._headers = headers
        self._headers_with_body = (*headers, (b"content-type", b"application/json"))

    async def send(self, request: Request[T], *, affinity: Optional[str] = None) -> T:
        """Send one request and return its value.

        Args:
            request: the request, from ``queen_api``.
            affinity: the affinity key, which picks the server.

        Raises:
            QueenError: there is no value; the class says why.
            TypeError, ValueError: the body cannot be sent.
        """
        return (await self.exchange(request, affinity=affinity)).value

    async def exchange(
        self,
        request: Request[T],
        *,
        affinity: Optional[str] = None,
        body: Optional[bytes] = None,
        seconds: Optional[float] = None,
        repeat_lost: bool = False,
    ) -> Answer[T]:
        """As ``send``, and tell whether the request was repeated.

        Args:
            request: the request.
            affinity: the affinity key, which picks the server.
            body: the request's body where it is encoded already.
            seconds: how long it may take; None for ``timeout``.
            repeat_lost: whether a request that must not be repeated is repeated once when its answer is lost.
        """
        span = self.timeout if seconds is None else seconds
        return await self._sending(request, self._engine, span, body, repeat_lost=repeat_lost).run(affinity)

    async def poll(self, request: Request[T], *, seconds: float, affinity: Optional[str] = None) -> T:
        """As ``send``, for a request whose answer the server holds back until there is something to say.

        A poll that reached a server and is not answered in time is an empty answer, and says nothing of the server's
        health: the servers forget some polls.

        Args:
            request: the long poll.
            seconds: how long the server may hold it.
            affinity: the affinity key, which picks the server.
        """
        try:
            sending = self._sending(request, self._poll_engine, seconds + _POLL_GRACE, is_poll=True)
            return (await sending.run(affinity)).value
        except QueenTimeoutError as error:
            if not error.maybe_delivered:
                raise
            return request.parse(200, None)

    async def probe(self, request: Request[T], *, seconds: float) -> List[Probe]:
        """Ask every server the same, side by side and each for itself; what goes wrong is in the results.

        Args:
            request: a question without a body.
            seconds: how long the answers may take.
        """
        self.check_usable(request.operation.id)
        now = asyncio.get_running_loop().time()
        prober = Prober(self._engine, self._headers, seconds)
        return list(
            await asyncio.gather(
                *(
                    prober.ask(request, server.url, in_rotation=self._router.in_rotation(server, now))
                    for server in self._router.servers
                )
            )
        )

    async def dialect(self, affinity: Optional[str] = None) -> Dialect:
        """What the server of an affinity key speaks; asked of each server once.

        Raises:
            ConfigurationError: the servers of this client are of two generations.
            QueenError: the server could not be asked.
        """
        if self._dialect is not None:
            return self._dialect
        server = self._router.next(affinity, asyncio.get_running_loop().time())
        if server.dialect is None:
            answer = await self.exchange(system.health(), affinity=affinity)
            server = answer.server
            self._router.speaks(server, dialect_of(cast("Mapping[str, object]", answer.value)))
        assert server.dialect is not None
        return server.dialect

    def check_usable(self, operation: str) -> None:
        """Refuse a call that has nothing to send, or something to do before it sends, as one that sends is refused.

        Args:
            operation: what was called, for the error.

        Raises:
            ClientClosedError: the client is closed.
            WrongEventLoopError: it belongs to another event loop or process.
        """
        if self._closed:
            raise ClientClosedError(f"{operation}: the client is closed")
        self.home.check(operation)

    def abandon(self) -> None:
        """Refuse later calls, and leave the connections to the loop or process that they belong to."""
        self._closed = True

    async def close(self) -> None:
        """Close all connections; later calls raise ``ClientClosedError``."""
        self._closed = True
        await self._poll_engine.close()
        await self._engine.close()

    def _sending(
        self,
        request: Request[T],
        engine: Engine,
        seconds: float,
        body: Optional[bytes] = None,
        *,
        is_poll: bool = False,
        repeat_lost: bool = False,
    ) -> Sending[T]:
        self.check_usable(request.operation.id)
        if body is None and request.body is not None:
            body = codec.encode(request.body, operation=request.operation.id)
        return Sending(
            request=request,
            headers=self._headers if body is None else self._headers_with_body,
            body=body,
            seconds=seconds,
            router=self._router,
            retry=self.retry,
            engine=engine,
            closed=lambda: self._closed,
            is_poll=is_poll,
            repeat_lost=repeat_lost,
            hooks=self.hooks,
        )


def _hook_calls(config: ClientConfig) -> Optional[HookCalls]:
    if not config.hooks:
        return None
    # Imported here, since most clients have none.
    from queen.hooks.calls import HookCalls

    return HookCalls(config.hooks, config.urls)
