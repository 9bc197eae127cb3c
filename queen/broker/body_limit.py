"""How long the body of a request may be, so that one request does not take all memory."""

from __future__ import annotations

from typing import cast

from queen.broker.http import Asgi, AsgiMessage, Receive, Scope, Send, direct


class _TooLargeError(Exception):
    pass


class BodyLimit:
    """Answers 413 to requests whose body is longer, as soon as that is known.

    Args:
        application: answers the others.
        longest: the limit in bytes.
    """

    def __init__(self, application: Asgi, longest: int) -> None:
        self._application = application
        self._longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let the application do it."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if _announced(scope) > self._longest:
            await self._refuse(send)
            return
        try:
            await self._application(scope, _Counted(receive, self._longest).receive, send)
        except _TooLargeError:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        words = f"the body of the request is longer than {self._longest} bytes, this broker's limit (--max-body)"
        await direct({"error": words}, 413).send(send)


class _Counted:
    """Reads a body up to a length."""

    def __init__(self, receive: Receive, longest: int) -> None:
        self._receive = receive
        self._left = longest

    async def receive(self) -> AsgiMessage:
        message = await self._receive()
        self._left -= len(cast(bytes, message.get("body", b"")))
        if self._left < 0:
            raise _TooLargeError
        return message


def _announced(scope: Scope) -> int:
    """What the request says of the length of its body."""
    for name, value in cast("list[tuple[bytes, bytes]]", scope["headers"]):
        if name == b"content-length":
            return int(value)
    return 0
