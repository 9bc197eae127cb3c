"""What can go wrong between a client and a broker; each fault plays one exchange in its own way."""

from __future__ import annotations

import asyncio
from typing import Optional

import attrs
from typing_extensions import Protocol

from tests.faults.http_messages import Request, Response


class Exchange(Protocol):
    """One request on its way through the proxy, and what can be done with it."""

    request: Request

    async def forward(self) -> Response:
        """Send the request to the broker and read its response; when the client goes meanwhile, that is the end."""
        ...

    async def deliver(self) -> Response:
        """Send the request to the broker and read its response, whether or not the client is still there."""
        ...

    async def send(self, data: bytes) -> None:
        """Send bytes to the client."""
        ...

    async def until_client_is_gone(self, seconds: Optional[float]) -> None:
        """Wait until the client has closed its connection, or for so many seconds; then it is an error or the end."""
        ...

    def reset(self) -> None:
        """End the client's connection with a reset."""
        ...

    def close(self) -> None:
        """End the client's connection in an orderly way."""
        ...

    def refuse(self, seconds: float) -> None:
        """Refuse new connections for so long."""
        ...


class Fault(Protocol):
    """A fault.

    Attributes:
        kind: what it is called in counts and tables.
        harmless: whether the client gets the whole answer all the same.
    """

    @property
    def kind(self) -> str: ...

    @property
    def harmless(self) -> bool: ...

    async def play(self, exchange: Exchange) -> None:
        """Do it to an exchange."""
        ...


@attrs.frozen
class Pass:
    """No fault."""

    kind: str = "none"
    harmless: bool = True

    async def play(self, exchange: Exchange) -> None:
        response = await exchange.forward()
        await exchange.send(response.head + response.body)


@attrs.frozen
class Refuse:
    """The connection is reset before the request is delivered, and new ones are refused for a while."""

    seconds: float
    kind: str = "refuse"
    harmless: bool = False

    async def play(self, exchange: Exchange) -> None:
        exchange.refuse(self.seconds)
        exchange.reset()


@attrs.frozen
class ResetBefore:
    """The connection is reset before anything of the response, with or without the request delivered."""

    delivered: bool = True
    harmless: bool = False

    @property
    def kind(self) -> str:
        return "reset before the response" if self.delivered else "reset, request lost"

    async def play(self, exchange: Exchange) -> None:
        if self.delivered:
            await exchange.deliver()
        exchange.reset()


@attrs.frozen
class ResetDuring:
    """The connection is reset in the middle of the response."""

    kind: str = "reset during the response"
    harmless: bool = False

    async def play(self, exchange: Exchange) -> None:
        response = await exchange.forward()
        whole = response.head + response.body
        await exchange.send(whole[: len(whole) // 2])
        exchange.reset()


@attrs.frozen
class ResetAfter:
    """The connection is reset right behind the response."""

    kind: str = "reset after the response"
    harmless: bool = False

    async def play(self, exchange: Exchange) -> None:
        response = await exchange.forward()
        await exchange.send(response.head + response.body)
        exchange.reset()


@attrs.frozen
class Stall:
    """The request is delivered, and its response held back; for ever where no time is said."""

    seconds: Optional[float] = None
    kind: str = "stall"
    harmless: bool = False

    async def play(self, exchange: Exchange) -> None:
        response = await exchange.forward()
        await exchange.until_client_is_gone(self.seconds)
        await exchange.send(response.head + response.body)


@attrs.frozen
class Trickle:
    """The response comes a byte at a time; behind so many bytes the rest at once."""

    longest: int = 2000
    kind: str = "trickle"
    harmless: bool = True

    async def play(self, exchange: Exchange) -> None:
        response = await exchange.forward()
        whole = response.head + response.body
        for place in range(min(len(whole), self.longest)):
            await exchange.send(whole[place : place + 1])
            # A turn of the loop in which a client in this process reads it.
            await asyncio.sleep(0)
        if len(whole) > self.longest:
            await exchange.send(whole[self.longest :])


@attrs.frozen
class CutBody:
    """The connection is closed before the body is complete."""

    kind: str = "cut body"
    harmless: bool = False

    async def play(self, exchange: Exchange) -> None:
        response = await exchange.forward()
        await exchange.send(response.head + response.body[: len(response.body) // 2])
        exchange.close()


@attrs.frozen
class Garbage:
    """What is answered is no HTTP."""

    data: bytes = b"\x16\x03\x01\x00garbage\x00\xff\r\n\r\n"
    kind: str = "garbage"
    harmless: bool = False

    async def play(self, exchange: Exchange) -> None:
        await exchange.deliver()
        await exchange.send(self.data)
        exchange.close()


@attrs.frozen
class Instead:
    """Another answer than the broker's, with or without the request delivered."""

    status: int
    body: bytes = b"<html><body>bad gateway</body></html>"
    media_type: str = "text/html"
    retry_after: Optional[str] = None
    delivered: bool = False
    name: str = ""
    harmless: bool = False

    @property
    def kind(self) -> str:
        return self.name or f"{self.status}{' with Retry-After' if self.retry_after else ''}"

    async def play(self, exchange: Exchange) -> None:
        if self.delivered:
            await exchange.deliver()
        lines = [
            f"HTTP/1.1 {self.status} X",
            f"content-type: {self.media_type}",
            f"content-length: {len(self.body)}",
            *([f"retry-after: {self.retry_after}"] if self.retry_after else []),
        ]
        await exchange.send("\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + self.body)


@attrs.frozen
class CloseIdle:
    """The connection is closed in an orderly way when it was idle for so long behind its response."""

    seconds: float = 0.0
    kind: str = "close idle"
    harmless: bool = True

    async def play(self, exchange: Exchange) -> None:
        response = await exchange.forward()
        await exchange.send(response.head + response.body)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        exchange.close()


@attrs.frozen
class Delay:
    """The request is delivered late, also when the client has given up meanwhile."""

    seconds: float
    kind: str = "delay"
    harmless: bool = True

    async def play(self, exchange: Exchange) -> None:
        await asyncio.sleep(self.seconds)
        response = await exchange.deliver()
        await exchange.send(response.head + response.body)


HTML_PAGE = b"<!doctype html><html><body>Sign in to the network</body></html>"


def html(*, delivered: bool) -> Instead:
    """A page with status 200, as sign-in pages have it."""
    return Instead(200, HTML_PAGE, delivered=delivered, name="200 with HTML")


def broken(*, delivered: bool) -> Instead:
    """A 500 that no Queen server wrote."""
    return Instead(500, b"Internal Server Error", "text/plain", delivered=delivered, name="500 without JSON")


def no_content_with_body(*, delivered: bool) -> Instead:
    """A 204 with a body behind it, as server 0.15 sends it while its pops are switched off."""
    return Instead(
        204, b'{"error":"maintenance mode"}', "application/json", delivered=delivered, name="204 with a body"
    )
