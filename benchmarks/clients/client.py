"""What a client must be able to do to be measured."""

from __future__ import annotations

from typing import Protocol


class Client(Protocol):
    """One client under measurement. Each method does all of its work and checks what the server answers."""

    async def push(self, count: int, at_once: int) -> None:
        """Push single messages, so many requests at a time."""
        ...

    async def pop(self, count: int, batch: int) -> None:
        """Pop so many messages, in batches."""
        ...

    async def consume(self, count: int, batch: int, workers: int) -> None:
        """Consume so many messages and acknowledge each batch after its handler."""
        ...

    async def push_buffered(self, count: int) -> None:
        """Push single messages that travel a hundred to a request."""
        ...

    async def commit(self, count: int) -> None:
        """For each of so many messages commit a transaction: its ack, and a push."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Routing(Protocol):
    """A client's choice of a server."""

    def route(self, key: str) -> object:
        """The server, or the servers in order, for one request with this affinity key."""
        ...


class CountMismatchError(Exception):
    """A client did less, or more, than it was told to: its figures mean nothing."""


def check_count(what: str, done: int, told: int) -> None:
    """Refuse figures of work that was not done.

    Raises:
        CountMismatchError: the numbers differ.
    """
    if done != told:
        raise CountMismatchError(f"{what}: {done} instead of {told}")
