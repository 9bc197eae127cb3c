"""The connection, and transactions on it."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar, Union

from queen.broker.clock import Clock
from queen.broker.failures import DirectRefusalError
from queen.broker.store import schema

T = TypeVar("T")

Value = Union[str, int, None]
Values = Union[Sequence[Value], Mapping[str, Value]]
Row = Tuple[object, ...]


class Transaction:
    """One transaction: statements, the time at which it happens, and which queues it changes.

    Attributes:
        now: one instant for all of it; never earlier than that of the transaction before.
        changed: the names of queues in which messages may have become available to somebody.
    """

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._connection = connection
        self.now = now
        self.changed: Set[str] = set()

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
    """One SQLite database, used by this broker alone.

    In a file, what was committed survives a crash of the process and of the machine (WAL, ``synchronous=FULL``). The
    file is then written by a thread of its own, so that waiting for the disk does not hold up the event loop.

    Args:
        path: the file; None for memory.
        clock: the time of transactions.
        on_change: told, in the event loop, the queues that a transaction has changed.
    """

    def __init__(self, path: Optional[str], clock: Clock, on_change: Callable[[Set[str]], None]) -> None:
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10.0, cached_statements=256
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA foreign_keys = ON")
        if path is not None:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        schema.prepare(self._connection)
        self._clock = clock
        self._latest = int(self._connection.execute("SELECT COALESCE(MAX(created_at), 0) FROM messages").fetchone()[0])
        self._on_change = on_change
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._thread = ThreadPoolExecutor(1, "queen-broker") if path is not None else None

    async def run(self, work: Callable[[Transaction], T], undo: Optional[Callable[[Transaction, T], None]] = None) -> T:
        """Run a function in one transaction: all that it does is kept, or nothing if it raises.

        Args:
            work: the function.
            undo: takes the result back when the caller was cancelled while the function ran, so that nobody has it.
        """
        self._enter_loop()
        if self._thread is None:
            result, changed = self._transact(work)
        else:
            running = asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)
            try:
                result, changed = await asyncio.shield(running)
            except asyncio.CancelledError:
                if undo is not None:
                    running.add_done_callback(functools.partial(self._take_back, undo))
                raise
        if changed:
            self._on_change(changed)
        return result

    def close(self) -> None:
        """Close the database."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        self._connection.close()

    def _enter_loop(self) -> None:
        """Belong to the running event loop: the polls that are woken wait in one."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            if self._loop is not None and self._loop.is_running():
                raise DirectRefusalError(500, "the embedded broker is in use in another event loop of this process")
            self._loop = loop

    def _take_back(self, undo: Callable[[Transaction, T], None], done: asyncio.Future[Tuple[T, Set[str]]]) -> None:
        if done.cancelled() or done.exception() is not None or self._thread is None:
            return
        result, _ = done.result()
        undone = asyncio.get_running_loop().run_in_executor(self._thread, self._transact, lambda tx: undo(tx, result))
        undone.add_done_callback(lambda last: self._on_change(last.result()[1]))

    def _transact(self, work: Callable[[Transaction], T]) -> Tuple[T, Set[str]]:
        # Cursors compare times: they must not run backwards when the machine's clock is set back.
        self._latest = max(self._latest, self._clock.now())
        transaction = Transaction(self._connection, self._latest)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(transaction)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result, transaction.changed
