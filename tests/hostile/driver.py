"""A client and the server that it talks to, in a loop of their own: one for all examples of a test."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import Any, Awaitable, Callable, Coroutine, Iterator, TypeVar

import attrs

from queen import Queen, QueenError
from tests.scripted_server import Script, ScriptedServer

T = TypeVar("T")


def in_a_loop_of_its_own(running: Coroutine[Any, Any, T]) -> T:
    """As ``asyncio.run``, which takes the thread's event loop away from the tests behind it."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(running)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@attrs.frozen
class Driver:
    """Runs examples.

    Attributes:
        loop: the loop.
        server: what the client talks to, and what it received.
        queen: the client.
    """

    loop: asyncio.AbstractEventLoop
    server: ScriptedServer
    queen: Queen

    def run(self, example: Coroutine[Any, Any, Any]) -> Any:
        """The result of a coroutine."""
        return self.loop.run_until_complete(example)


@contextmanager
def driver(script: Script, **options: Any) -> Iterator[Driver]:
    """A client of a server that answers by a script."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_started(script))
    given = {"dialect": "0.15", "retry_attempts": 0, "retry_delay_millis": 0, **options}
    queen = Queen(server.url, **given)
    try:
        yield Driver(loop, server, queen)
    finally:
        loop.run_until_complete(queen.close())
        loop.run_until_complete(server.__aexit__(None, None, None))
        loop.run_until_complete(
            loop.shutdown_default_executor() if hasattr(loop, "shutdown_default_executor") else _none()
        )
        loop.close()


async def outcome(call: Callable[[], Any]) -> Any:
    """What a call comes to: None, or what it raised of that which it may raise."""
    try:
        made = call()
        if isinstance(made, Awaitable):
            await made
    except (QueenError, TypeError, ValueError) as error:
        return error
    return None


async def _started(script: Script) -> ScriptedServer:
    # Made in the loop: before Python 3.10 an event belongs to the loop in which it is made.
    return await ScriptedServer(script).__aenter__()


async def _none() -> None:
    """Python 3.8 shuts no executor down."""
