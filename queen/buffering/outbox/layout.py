"""What an outbox looks like in its file."""

from __future__ import annotations

import sqlite3

from typing_extensions import Final

LAYOUT: Final = 1
"""The version of what follows; it is in the file."""

# "Quob", by which a file is known to be an outbox.
_APPLICATION: Final = 0x51756F62

# The rows of one partition are sent by rising id. Ids are given out by the one process that has the file open.
_TABLES: Final = """
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    partition TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    item BLOB NOT NULL
);
CREATE INDEX messages_by_partition ON messages (queue, partition);
"""


class UnknownLayoutError(Exception):
    """The file holds something else than an outbox of this layout."""


def prepare(connection: sqlite3.Connection) -> None:
    """Lock the file, and make it an outbox if it is empty.

    Raises:
        UnknownLayoutError: it is something else, and is left as it is.
        sqlite3.Error: it cannot be used.
    """
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    empty = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != _APPLICATION and not (empty and application == layout == 0):
        raise UnknownLayoutError("it is the database of something else")
    if layout > LAYOUT:
        raise UnknownLayoutError(
            f"a newer version of this library wrote it (layout {layout}; this one reads layout {LAYOUT}): "
            "update this one, or name another file"
        )
    # WAL: a commit waits once for the disk. FULL: and it does wait, so that a power failure loses nothing either.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN EXCLUSIVE")
    if empty:
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
    connection.execute("COMMIT")
