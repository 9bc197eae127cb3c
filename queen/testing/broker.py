"""``QueenBroker``: the embedded broker of one test."""

from __future__ import annotations

import itertools
from types import TracebackType
from typing import Callable, List, Optional, Sequence, Type, TypeVar

from typing_extensions import Final, Self

from queen import validation
from queen.broker import open_broker
from queen.broker.domain import dead_letters, inspection, leases
from queen.broker.store.database import Transaction
from queen.testing import records, waiting
from queen.testing.clock import MovableClock
from queen.testing.faults import FaultyOperation, Gate
from queen.testing.matching import Wanted, listed
from queen.testing.records import DeadLetteredMessage, PushedMessage

M = TypeVar("M", bound=PushedMessage)
T = TypeVar("T")

_TIMEOUT: Final = 5.0
_numbers = itertools.count(1)


class QueenBroker:
    """A fresh broker in this process, to look into and to steer.

    All methods may be called in any thread, in sync and async tests; only ``until`` and its kin are awaited.

    Where messages are chosen by their ``data``, it is a value that the payload equals, or a function that takes the
    payload and says whether it is meant. What describes itself by ``==`` (``unittest.mock.ANY``, dirty-equals) may be a
    part of the value. Left out, any payload will do.

    Args:
        dialect: which server it is: ``embedded``, ``0.15`` or ``0.7``.

    Attributes:
        url: what ``Queen(url)`` connects to, as often as is needed, in this process.
        dialect: which server it is.

    Raises:
        ImportError: the extra ``broker`` is not installed.
        ValueError: an unknown dialect.
    """

    def __init__(self, dialect: str = "embedded") -> None:
        self.url: Final = f"memory://queen-testing-{next(_numbers)}"
        self.dialect: Final = dialect
        self._closed = False
        self._changes = waiting.Changes()
        self._gate = Gate(self._changes.tell)
        self._clock = MovableClock()
        self._broker = open_broker(self.url, clock=self._clock, dialect=dialect, middleware=self._gate.before)

    def __repr__(self) -> str:
        return f"<QueenBroker {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the broker: its messages are gone, and clients that are still there reach nobody."""
        self._closed = True
        self._gate.close()
        self._broker.end()

    @property
    def polled_queues(self) -> List[str]:
        """The queues that consumers wait for at this moment, one for each long poll that is waiting."""
        return sorted(queue if queue is not None else "any queue" for queue in self._broker.parked_on)

    def advance(self, seconds: float) -> None:
        """Move the broker's time forward: leases end, delayed messages become due, waiting polls see it.

        Between two moves it goes on as the machine's time does. The client's own times (buffers, retries,
        ``idle_millis``) do not move.

        Args:
            seconds: how far.
        """
        self._clock.advance(waiting.seconds("seconds", seconds))
        self._changes.tell()

    def expire_leases(self, queue: Optional[str] = None, group: Optional[str] = None) -> int:
        """End leases of messages as if their time had run out: the messages come again, and acks of them are refused.

        Args:
            queue: only those of this queue.
            group: only those of this consumer group.

        Returns:
            On how many partitions a consumer group held one.
        """
        ended = self._transact(lambda tx: leases.expire(tx, queue, group))
        self._changes.tell()
        return ended

    def fail_next(self, n: int = 1, *, status: int = 503, operation: Optional[FaultyOperation] = None) -> None:
        """Let the next requests be answered with an error, and have no effect.

        Clients repeat what may be repeated, each time with a request that counts.

        Args:
            n: how many requests.
            status: the HTTP status, 400 to 599. 500 and more look like a server that is broken.
            operation: count and fail only requests of this kind: ``push``, ``pop``, ``ack``, ``renew`` or ``commit``.
        """
        validation.integer("status", status, minimum=400, maximum=599)
        self._gate.add(n, "answer", operation, status)

    def lose_answers(self, n: int = 1, *, operation: Optional[FaultyOperation] = None) -> None:
        """Let the next requests take effect, and their connections break before the answer.

        Args:
            n: how many requests.
            operation: as for ``fail_next``.
        """
        self._gate.add(n, "lost", operation)

    def refuse_connections(self, n: int = 1, *, operation: Optional[FaultyOperation] = None) -> None:
        """Let the next requests reach no broker.

        Args:
            n: how many requests.
            operation: as for ``fail_next``.
        """
        self._gate.add(n, "unreachable", operation)

    def clear_faults(self) -> None:
        """Forget the faults that did not happen yet."""
        self._gate.clear()

    def pushed(self, queue: Optional[str] = None) -> List[PushedMessage]:
        """The messages of a queue, consumed or not, in the order in which they were pushed; without one, of all."""
        rows = self._transact(inspection.stored)
        return [records.pushed(row) for row in rows if queue in (None, row["queue"])]

    def acked(self, queue: str, group: Optional[str] = None) -> List[PushedMessage]:
        """The messages of a queue that were acknowledged as completed, in the order in which they were pushed.

        Args:
            queue: the queue.
            group: by this consumer group; None for any.
        """
        return [records.pushed(row) for row in self._transact(lambda tx: inspection.acknowledged(tx, queue, group))]

    def dead_letters(self, queue: Optional[str] = None, group: Optional[str] = None) -> List[DeadLetteredMessage]:
        """The messages that were given up on, in the order in which that happened.

        Args:
            queue: of this queue; None for all.
            group: by this consumer group; None for any.
        """
        rows = self._transact(lambda tx: dead_letters.listing(tx, queue or "", group or ""))
        return [records.dead_lettered(row) for row in reversed(rows)]

    def assert_pushed(
        self,
        queue: str,
        data: object = ...,
        *,
        partition: Optional[str] = None,
        transaction_id: Optional[str] = None,
        count: Optional[int] = None,
    ) -> List[PushedMessage]:
        """Assert that such messages were pushed.

        Args:
            queue: the queue.
            data: their payload.
            partition: their partition.
            transaction_id: the id that they were pushed under.
            count: how many there must be; one or more where nothing is said.

        Returns:
            These messages, in the order in which they were pushed.

        Raises:
            AssertionError: they were not; the words show what was.
        """
        __tracebackhide__ = True
        wanted = Wanted(data=data, partition=partition, transaction_id=transaction_id, count=count)
        return self._checked(queue, wanted, f"pushed to {queue!r}", self.pushed(queue))

    def assert_nothing_pushed(self, queue: Optional[str] = None) -> None:
        """Assert that nothing was pushed, to a queue or to any.

        Raises:
            AssertionError: something was; the words show it.
        """
        __tracebackhide__ = True
        found = self.pushed(queue)
        if found:
            where = sorted({message.queue for message in found})
            shown = "\n".join(line for name in where for line in [f"to {name!r}:", *listed(self.pushed(name))])
            raise AssertionError(f"nothing should have been pushed, and there are {len(found)} messages\n{shown}")

    def assert_acked(
        self,
        queue: str,
        data: object = ...,
        *,
        group: Optional[str] = None,
        partition: Optional[str] = None,
        transaction_id: Optional[str] = None,
        count: Optional[int] = None,
    ) -> List[PushedMessage]:
        """Assert that such messages were acknowledged as completed.

        Args:
            queue: the queue.
            data: their payload.
            group: by this consumer group; any where nothing is said.
            partition: their partition.
            transaction_id: the id that they were pushed under.
            count: how many there must be; one or more where nothing is said.

        Returns:
            These messages, in the order in which they were pushed.

        Raises:
            AssertionError: they were not; the words show what was.
        """
        __tracebackhide__ = True
        wanted = Wanted(data=data, partition=partition, transaction_id=transaction_id, count=count)
        return self._checked(queue, wanted, f"acknowledged in {queue!r}{_by(group)}", self.acked(queue, group), group)

    def assert_dead_lettered(
        self,
        queue: str,
        data: object = ...,
        *,
        group: Optional[str] = None,
        partition: Optional[str] = None,
        transaction_id: Optional[str] = None,
        count: Optional[int] = None,
    ) -> List[DeadLetteredMessage]:
        """Assert that such messages were given up on.

        Args:
            queue: the queue.
            data: their payload.
            group: by this consumer group; any where nothing is said.
            partition: their partition.
            transaction_id: the id that they were pushed under.
            count: how many there must be; one or more where nothing is said.

        Returns:
            These messages, in the order in which that happened.

        Raises:
            AssertionError: they were not; the words show what was.
        """
        __tracebackhide__ = True
        wanted = Wanted(data=data, partition=partition, transaction_id=transaction_id, count=count)
        return self._checked(queue, wanted, f"dead in {queue!r}{_by(group)}", self.dead_letters(queue, group), group)

    async def until(self, check: Callable[[], T], *, timeout: float = _TIMEOUT) -> T:
        """Wait until a check of the broker holds.

        It is called at once, and after each request that the broker answers: no polling, no sleeping.

        Args:
            check: called without arguments, until it raises no ``AssertionError`` and returns neither False nor an
                empty list.
            timeout: how long to wait, in seconds.

        Returns:
            What the check returned.

        Raises:
            AssertionError: it did not hold in time; the words are those of its last failure.

        Example::

            await queen_broker.until(lambda: queen_broker.dead_letters("orders"))
        """
        __tracebackhide__ = True
        return await waiting.until(self._changes, check, timeout)

    def wait_until(self, check: Callable[[], T], *, timeout: float = _TIMEOUT) -> T:
        """As ``until``, without ``await``: for sync tests of what runs in another thread."""
        __tracebackhide__ = True
        return waiting.wait_until(self._changes, check, timeout)

    def _transact(self, work: Callable[[Transaction], T]) -> T:
        if self._closed:
            raise RuntimeError("the broker is closed, and its messages are gone: look into it before")
        return self._broker.transact(work)

    def _checked(
        self, queue: str, wanted: Wanted, done: str, messages: List[M], group: Optional[str] = None
    ) -> List[M]:
        __tracebackhide__ = True
        found = wanted.among(messages)
        if wanted.is_met_by(found):
            return found
        words = [wanted.missing(done, found, messages), *self._hints(queue, group, messages)]
        raise AssertionError("\n".join(words))

    def _hints(self, queue: str, group: Optional[str], messages: Sequence[PushedMessage]) -> List[str]:
        """What else may be the matter: a wrong name, or messages that are still on their way."""
        queues = self._transact(inspection.queue_names)
        if queue not in queues:
            return [f"there is no queue {queue!r}{validation.nearest(queue, queues)}"]
        readers = self._transact(lambda tx: inspection.readers(tx, queue))
        hints = []
        if group is not None and group not in readers:
            hints.append(f"no consumer of the group {group!r} has read {queue!r}{validation.nearest(group, readers)}")
        done = {message.message_id for message in messages}
        others = [message for message in self.pushed(queue) if message.message_id not in done]
        return [*hints, f"the other messages of {queue!r}:", *listed(others)] if others else hints


def _by(group: Optional[str]) -> str:
    return "" if group is None else f" by {group!r}"
