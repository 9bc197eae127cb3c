"""The file of an outbox. It is used by one thread, and blocks it."""

from __future__ import annotations

import os
import sqlite3
from typing import Dict, Iterator, List, Sequence, Tuple

import attrs
from typing_extensions import Final

from queen.buffering.outbox import layout
from queen.buffering.outbox.inheritance import GuardedConnection
from queen.buffering.outbox.obstacle import obstacle_of
from queen.buffering.outbox.owner import owner_of
from queen.buffering.parcel import Parcel
from queen.errors import OutboxError
from queen.operations.push import DEFAULT_PARTITION

Row = Tuple[int, str, str, str, bytes]

# A process that was just killed may be dying still.
_LOCK_SECONDS: Final = 0.5

_FOUND: Final = "SELECT queue, partition, COUNT(*), MAX(id) FROM messages GROUP BY queue, partition"
_INSERT: Final = "INSERT INTO messages (id, queue, partition, transaction_id, item) VALUES (?, ?, ?, ?, ?)"
_DELETE: Final = "DELETE FROM messages WHERE id = ?"
_READ: Final = """
SELECT id, item FROM messages WHERE queue = ? AND partition = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?
"""


@attrs.frozen
class Found:
    """What a former process left of one queue and partition.

    Attributes:
        count: how many messages.
        last: the id of the last of them.
    """

    count: int
    last: int


class OutboxFile:
    """An open outbox, which no other process can open meanwhile.

    Args:
        path: the file; it is made where there is none.

    Attributes:
        found: what was in it, by queue and partition.

    Raises:
        OutboxError: it cannot be opened, or is no outbox.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection = _connected(path)
        try:
            rows = self._connection.execute(_FOUND).fetchall()
            self._next = self._connection.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM messages").fetchone()[0]
        except sqlite3.Error as error:
            self._connection.close()
            raise OutboxError(path, str(error)) from error
        self.found: Dict[Tuple[str, str], Found] = {
            (queue, partition): Found(count, last) for queue, partition, count, last in rows
        }

    def write(self, added: Sequence[Parcel], removed: Sequence[int]) -> List[Sequence[int]]:
        """Add parcels and remove rows, all or nothing; what was added is on the disk when this returns.

        Returns:
            The rows of each parcel.

        Raises:
            OutboxError: nothing was written.
        """
        following = self._next
        places: List[Sequence[int]] = []
        for parcel in added:
            places.append(range(following, following + len(parcel.items)))
            following += len(parcel.items)
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany(_DELETE, [(row,) for row in removed])
                connection.executemany(_INSERT, _rows(added, places))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise OutboxError(self._path, str(error)) from error
        self._next = following
        return places

    def read(self, queue: str, partition: str, after: int, last: int, count: int) -> List[Tuple[int, bytes]]:
        """Rows of a queue and partition in their order: ids and items.

        Args:
            queue: the queue.
            partition: the partition.
            after: the id behind which they begin.
            last: the id of the last that is wanted.
            count: how many are wanted at most.

        Raises:
            OutboxError: they cannot be read.
        """
        try:
            return self._connection.execute(_READ, (queue, partition, after, last, count)).fetchall()
        except sqlite3.Error as error:
            raise OutboxError(self._path, str(error)) from error

    def close(self) -> None:
        """Close it; another process may open it then."""
        self._connection.close()


def _rows(added: Sequence[Parcel], places: Sequence[Sequence[int]]) -> Iterator[Row]:
    for parcel, ids in zip(added, places):
        for row, item, encoded in zip(ids, parcel.items, parcel.encoded):
            yield row, item["queue"], item.get("partition", DEFAULT_PARTITION), item["transactionId"], encoded


def _connected(path: str) -> sqlite3.Connection:
    _make_private(path)
    try:
        # The thread may be another one when it is closed.
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=_LOCK_SECONDS, factory=GuardedConnection
        )
        try:
            layout.prepare(connection)
        except BaseException:
            connection.close()
            raise
    except layout.UnknownLayoutError as error:
        raise OutboxError(path, str(error)) from error
    except sqlite3.Error as error:
        raise _refusal(path, error) from error
    return connection


def _make_private(path: str) -> None:
    """Make the file if it is not there, for no other user to read; SQLite makes its log alike."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise OutboxError(path, obstacle_of(path) or str(error)) from error


def _refusal(path: str, error: sqlite3.Error) -> OutboxError:
    # Python 3.8 to 3.10 have no error codes.
    if "locked" not in str(error):
        return OutboxError(path, obstacle_of(path) or str(error))
    owner = owner_of(path)
    holder = f"process {owner}" if owner not in (None, os.getpid()) else "another client"
    return OutboxError(path, f"{holder} has it open, and a file belongs to one client at a time", owner=owner)
