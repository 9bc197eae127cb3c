"""Credentials that are not the same for every request: tokens that expire, and those that stand in a server's URL."""

from __future__ import annotations

import asyncio
from typing import Mapping, Optional, Tuple

from typing_extensions import Final, Protocol, override

from queen import callbacks
from queen.config import ClientConfig, TokenSource, is_token
from queen.secret import Secret, SecretBytes
from queen.transport.engine import Engine, Headers, NoTokenError, NotSentError, Reply
from queen.transport.request_headers import bearer
from queen.waiting import end_tasks

_UNAUTHORIZED: Final = 401


def authorized(config: ClientConfig, engine: Engine, poll_engine: Engine) -> Tuple[Engine, Engine]:
    """The engines of a client, which put into each request what the configuration says for it."""
    credentials: Credentials
    if config.url_credentials:
        credentials = UrlCredentials(config.url_credentials)
    elif config.auth is not None and not isinstance(config.auth, Secret):
        credentials = Tokens(config.auth)
    else:
        return engine, poll_engine
    return AuthorizingEngine(engine, credentials), AuthorizingEngine(poll_engine, credentials)


class Credentials(Protocol):
    """Gives the values of ``authorization`` headers."""

    async def current(self, origin: str, deadline: float) -> Optional[SecretBytes]:
        """What is sent to a server; None for nothing.

        Args:
            origin: the server.
            deadline: when to give up, in the running loop's time.

        Raises:
            NoTokenError: there is none.
        """
        ...

    async def instead_of(self, refused: Optional[SecretBytes], origin: str, deadline: float) -> Optional[SecretBytes]:
        """Another value, for a request that the server answered 401; None where there is no other.

        Raises:
            NoTokenError: there is none.
        """
        ...

    async def close(self) -> None:
        """Wait for nothing any more."""
        ...


class UrlCredentials(Credentials):
    """The user names and passwords of URLs: each is sent to its own server, and to no other.

    Args:
        by_url: the header for each server that has one.
    """

    def __init__(self, by_url: Mapping[str, Secret]) -> None:
        self._by_url = {url: SecretBytes(value.reveal().encode("ascii")) for url, value in by_url.items()}

    @override
    async def current(self, origin: str, deadline: float) -> Optional[SecretBytes]:
        return self._by_url.get(origin)

    @override
    async def instead_of(self, refused: Optional[SecretBytes], origin: str, deadline: float) -> Optional[SecretBytes]:
        return None

    @override
    async def close(self) -> None:
        pass


class Tokens(Credentials):
    """The tokens of a user's function. One is kept until a server refuses it; those who wait for one share a call.

    Args:
        function: gives a token.
    """

    def __init__(self, function: TokenSource) -> None:
        self._function = function
        self._kept: Optional[SecretBytes] = None
        self._asking: Optional[asyncio.Task[SecretBytes]] = None
        self._closed = False

    @override
    async def current(self, origin: str, deadline: float) -> Optional[SecretBytes]:
        return self._kept if self._kept is not None else await self._asked(deadline)

    @override
    async def instead_of(self, refused: Optional[SecretBytes], origin: str, deadline: float) -> Optional[SecretBytes]:
        # By identity: of many requests that were refused with one token, the first forgets it for all.
        if self._kept is refused:
            self._kept = None
        fresh = await self.current(origin, deadline)
        return None if fresh == refused else fresh

    @override
    async def close(self) -> None:
        self._closed = True
        if self._asking is not None:
            await end_tasks({self._asking})

    async def _asked(self, deadline: float) -> SecretBytes:
        loop = asyncio.get_running_loop()
        if self._closed:
            raise NotSentError("the client was closed")
        asking = self._asking
        if asking is None:
            asking = self._asking = loop.create_task(self._ask())
            asking.add_done_callback(self._keep)
        # A caller that is cancelled does not take the answer from those who wait for it too.
        await asyncio.wait({asking}, timeout=max(0.0, deadline - loop.time()))
        if not asking.done():
            raise NoTokenError("the function given as auth did not return in time")
        if asking.cancelled():
            if self._closed:
                raise NotSentError("the client was closed")
            raise NoTokenError("the function given as auth was cancelled")
        error = asking.exception()
        if isinstance(error, NoTokenError):
            raise NoTokenError(str(error))
        if error is not None:
            raise NoTokenError(f"the function given as auth raised {type(error).__name__}") from error
        return asking.result()

    async def _ask(self) -> SecretBytes:
        secret = _concealed(await callbacks.call(self._function))
        if secret is None or not is_token(secret):
            raise NoTokenError("what the function given as auth returned is no token; visible ASCII text is accepted")
        return bearer(secret)

    def _keep(self, asking: asyncio.Task[SecretBytes]) -> None:
        self._asking = None
        # Also where nobody waits for it any more, so that asyncio does not warn of an error that nobody saw.
        if not asking.cancelled() and asking.exception() is None:
            self._kept = asking.result()


class AuthorizingEngine(Engine):
    """Sends requests with credentials, and once more with others where a server does not accept them.

    A server that answers 401 has done nothing of the request, so that any may be sent again.

    Args:
        engine: moves the requests.
        credentials: what is put into them.
    """

    def __init__(self, engine: Engine, credentials: Credentials) -> None:
        self._engine = engine
        self._credentials = credentials

    @override
    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        value = await self._credentials.current(origin, deadline)
        reply = await self._sent_with(value, origin, target, method, headers, body, deadline)
        if reply.status != _UNAUTHORIZED:
            return reply
        other = await self._credentials.instead_of(value, origin, deadline)
        if other is None:
            return reply
        return await self._sent_with(other, origin, target, method, headers, body, deadline)

    @override
    async def close(self) -> None:
        await self._credentials.close()
        await self._engine.close()

    async def _sent_with(
        self,
        value: Optional[SecretBytes],
        origin: str,
        target: str,
        method: str,
        headers: Headers,
        body: Optional[bytes],
        deadline: float,
    ) -> Reply:
        added: Headers = () if value is None else ((b"authorization", value),)
        return await self._engine.send(origin, target, method, (*headers, *added), body, deadline)


def _concealed(token: object) -> Optional[Secret]:
    """What a function returned; None for what is no text."""
    if isinstance(token, Secret):
        return token
    return Secret(token) if isinstance(token, str) else None
