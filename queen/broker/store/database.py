"""The connection, and transactions on it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, Counter, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar, Union

from typing_extensions import Final

from queen.broker.clock import Clock
from queen.broker.store import schema
from queen.broker.time_units import MINUTE

T = TypeVar("T")

Value = Union[str, int, None]
Values = Union[Sequence[Value], Mapping[str, Value]]
Row = Tuple[object, ...]

_CONSUMED: Final = """
INSERT INTO consumption (minute, queue, messages)
SELECT ?, q.name, ? FROM partitions p JOIN queues q ON q.id = p.queue_id WHERE p.id = ?
ON CONFLICT (minute, queue) DO UPDATE SET messages = messages + excluded.messages
"""


class Transaction:
    """One transaction: statements, the time at which it happens, and which queues it changes.

    Attributes:
        now: one instant for all of it; never earlier than that of the transaction before.
        changed: the names of queues in which messages may have become available to somebody.
        consumed: how many messages were consumed, by the id of their partition.
    """

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._connection = connection
        self.now = now
        self.changed: Set[str] = set()
        self.consumed: Counter[int] = Counter()

    def execute(self, statement: str, values: Values = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(statement, values)

    def rows(self, statement: str, values: Values = ()) -> List[sqlite3.Row]:
        """All rows of a query."""
        return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, values: Values = ()) -> Optional[sqlite3.Row]:
        """The first row of a query, or None."""
        found: Optional[sqlite3.Row] = self._connection.execute(statement, values).fetchone()
        return found

    def number(self, statement: str, values: Values = ()) -> int:
        """The single number of a query."""
        return int(self._connection.execute(statement, values).fetchone()[0])


class Store:
    """One SQLite database, used by this broker alone, from any event loop and thread of this process.

    In a file, what was committed survives a crash of the process and of the machine (WAL, ``synchronous=FULL``). The
    file is then written by a thread of its own, so that waiting for the disk does not hold up the event loop.

    Args:
        path: the file; None for memory.
        clock: the time of transactions.
        on_change: told the queues that a transaction has changed, in the thread that ran it.
    """

    def __init__(self, path: Optional[str], clock: Clock, on_change: Callable[[Set[str]], None]) -> None:
        self._connection = _connected(path)
        self._clock = clock
        self._latest = int(self._connection.execute("SELECT COALESCE(MAX(created_at), 0) FROM messages").fetchone()[0])
        self._on_change = on_change
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "queen-broker") if path is not None else None

    async def run(self, work: Callable[[Transaction], T], undo: Optional[Callable[[Transaction, T], None]] = None) -> T:
        """Run a function in one transaction: all that it does is kept, or nothing if it raises.

        Args:
            work: the function.
            undo: takes the result back when the caller was cancelled while the function ran, so that nobody has it.
        """
        if self._thread is None:
            return self.transact(work)
        job = self._thread.submit(self.transact, work)
        try:
            # A caller that is cancelled does not stop the work: it goes on to its end, and is told to who waits.
            return await asyncio.shield(asyncio.wrap_future(job))
        except asyncio.CancelledError:
            if undo is not None:
                self._thread.submit(self._take_back, job, undo)
            raise

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """As ``run``, now and in this thread."""
        with self._lock:
            result, changed = self._transact(work)
        if changed:
            self._on_change(changed)
        return result

    def close(self) -> None:
        """Close the database."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        with self._lock:
            self._connection.close()

    def _take_back(self, job: Future[T], undo: Callable[[Transaction, T], None]) -> None:
        """Undo what nobody has; it runs behind the job, in the same thread."""
        if job.cancelled() or job.exception() is not None:
            return
        result = job.result()
        self.transact(lambda tx: undo(tx, result))

    def _transact(self, work: Callable[[Transaction], T]) -> Tuple[T, Set[str]]:
        # Cursors compare times: they must not run backwards when the machine's clock is set back.
        self._latest = max(self._latest, self._clock.now())
        transaction = Transaction(self._connection, self._latest)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(transaction)
            if transaction.consumed:
                self._connection.executemany(_CONSUMED, _consumed(transaction))
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return result, transaction.changed


def _consumed(transaction: Transaction) -> Iterator[Tuple[int, int, int]]:
    minute = transaction.now // MINUTE
    return ((minute, messages, partition) for partition, messages in transaction.consumed.items())


def _connected(path: Optional[str]) -> sqlite3.Connection:
    """A connection to a database that is ready for use.

    Raises:
        OSError: the file cannot be opened, or is no database of this broker.
    """
    try:
        connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=1.0, cached_statements=256
        )
        try:
            _prepare(connection, in_file=path is not None)
        except BaseException:
            # It would go on holding its lock on the file.
            connection.close()
            raise
    except sqlite3.Error as error:
        words = f"the database {path} cannot be used: {error}"
        if "locked" in str(error):
            words += "; another process has it open: use the URL at which that one serves it"
        raise OSError(words) from error
    return connection


def _prepare(connection: sqlite3.Connection, *, in_file: bool) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    if in_file:
        # A second process would not be woken by what this one stores.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    schema.prepare(connection)
    if in_file:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
