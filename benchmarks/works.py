"""What is measured."""

from __future__ import annotations

from typing import Any, Callable, Coroutine, Dict, Final, NamedTuple, Tuple

from benchmarks.clients.client import Client, CountMismatchError
from benchmarks.server import Counts

_Run = Callable[[Client, int], Coroutine[Any, Any, None]]


class Work(NamedTuple):
    """Work over a connection.

    Attributes:
        name: short, unique.
        title: for readers.
        unit: what one operation is.
        step: the number of operations is a multiple of it.
        run: does so many operations.
        expected: what the server must have counted for so many operations.
    """

    name: str
    title: str
    unit: str
    step: int
    run: _Run
    expected: Callable[[int], Counts]


def _pushed(count: int) -> Counts:
    return Counts(pushed=count)


def _popped(count: int) -> Counts:
    return Counts(popped=count)


def _consumed(count: int) -> Counts:
    return Counts(popped=count, acked=count)


def _committed(count: int) -> Counts:
    return Counts(popped=count, committed=count)


def _push(at_once: int) -> Work:
    return Work(
        name=f"push-{at_once}",
        title=f"Single-message pushes, {at_once} at a time",
        unit="request",
        step=at_once,
        run=lambda client, count: client.push(count, at_once),
        expected=_pushed,
    )


def _pop(batch: int) -> Work:
    return Work(
        name=f"pop-{batch}",
        title=f"Pop of {batch:,}",
        unit="message",
        step=batch,
        run=lambda client, count: client.pop(count, batch),
        expected=_popped,
    )


def _consume(batch: int, workers: int, title: str) -> Work:
    return Work(
        name=f"consume-{batch}",
        title=title,
        unit="message",
        step=batch * workers,
        run=lambda client, count: client.consume(count, batch, workers),
        expected=_consumed,
    )


WORKS: Final[Tuple[Work, ...]] = (
    *(_push(at_once) for at_once in (1, 16, 64)),
    *(_pop(batch) for batch in (1, 100, 1000)),
    _consume(1, 10, "Consume of 1, ten workers, auto-ack"),
    _consume(100, 1, "Consume of 100, one worker, auto-ack"),
    Work(
        name="buffered",
        title="Buffered pushes, 100 to a request",
        unit="message",
        step=100,
        run=lambda client, count: client.push_buffered(count),
        expected=_pushed,
    ),
    Work(
        name="transaction",
        title="A transaction for each message: its ack and a push (the messages come from pops of 100)",
        unit="transaction",
        step=100,
        run=lambda client, count: client.commit(count),
        expected=_committed,
    ),
)

# Work without a connection: the servers among which one key is routed.
ROUTES: Final[Dict[str, int]] = {"route-3": 3, "route-30": 30}
# Not work at all: what an import and a client that does nothing cost.
IDLE: Final = "idle"


def work_named(name: str) -> Work:
    """One of ``WORKS``."""
    return next(work for work in WORKS if work.name == name)


def check_counts(work: Work, count: int, before: Counts, after: Counts) -> None:
    """Refuse figures of work that did not reach the server as it should.

    Args:
        work: what was done.
        count: how many operations of it.
        before: what the server had counted before.
        after: what it has counted now.

    Raises:
        CountMismatchError: it counted more or less.
    """
    counted = Counts(*(now - then for now, then in zip(after, before)))
    expected = work.expected(count)
    if counted != expected:
        raise CountMismatchError(f"{work.name}: the server counted {counted} instead of {expected}")
