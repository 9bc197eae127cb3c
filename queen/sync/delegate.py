"""What the classes of ``queen_sync`` are made of."""

from __future__ import annotations

from types import TracebackType
from typing import Dict, Generic, Optional, Type, TypeVar

from typing_extensions import Self

from queen.client import Queen as AsyncQueen
from queen.errors import ConfigurationError
from queen.sync.acting import ActingMessage
from queen.sync.functions import ACCEPTED, in_thread, is_async
from queen.sync.portal import Portal

A = TypeVar("A")


class Delegate(Generic[A]):
    """An object that hands everything to one of the async client.

    Args:
        portal: where the async client works.
        asynchronous: the object.
    """

    __slots__ = ("_async", "_portal")

    def __init__(self, portal: Portal, asynchronous: A) -> None:
        self._portal = portal
        self._async = asynchronous


class _Client(AsyncQueen):
    """The async client, which tells what it loses when its loop ends before it is closed."""

    @property
    def embedded(self) -> bool:
        """Whether it is of an embedded broker."""
        return not self._transport.home.movable

    def lose(self) -> None:
        """Tell what is lost, since the loop has ended."""
        self._services.buffers.lose()


class ClientDelegate(Delegate[AsyncQueen]):
    """The client, with which everything begins.

    Args:
        message: the class of its messages.
        options: its options, in which secrets do not show.
    """

    __slots__ = ("__weakref__",)

    def __init__(self, message: Type[ActingMessage], options: Dict[str, object]) -> None:
        portal = Portal(message.of)
        auth = options.get("auth")
        if is_async(auth):
            # Without the function, which may hold a secret.
            raise ConfigurationError(f"auth is async; {ACCEPTED}")
        if callable(auth):
            # It may block, and the loop must not.
            asked = in_thread("auth", auth, portal.threads, lambda _: False, lambda given: given)
            options = {**options, "auth": asked}
        portal.client = client = _Client(options)
        super().__init__(portal, client)

    def close(self) -> None:
        """Close the client."""
        self._portal.close(self._async.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()
