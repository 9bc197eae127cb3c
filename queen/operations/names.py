"""Names that one generation of servers cannot take."""

from __future__ import annotations

from queen.transport.dialect import Dialect
from queen.transport.transport import Transport


def may_be_refused(queue: str) -> bool:
    """Whether ``check_name`` has to ask the server."""
    return ":" in queue


async def check_name(transport: Transport, queue: str) -> None:
    """Refuse a queue name with a colon on server 0.7, which takes what is before it for the queue.

    Raises:
        ValueError: it is one.
        QueenError: the server could not be asked what it is.
    """
    if may_be_refused(queue) and await transport.dialect() is Dialect.V07:
        raise ValueError(f"queue={queue!r} has a colon: server 0.7 would mix it up with {queue.partition(':')[0]!r}")
