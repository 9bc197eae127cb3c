"""The tables.

Times are microseconds since 1970. A message's ``seq`` is its place in the order of its partition: it grows with
``created_at``, so that a cursor is a ``seq`` and can still be compared with a time.

What only one dialect needs: on server 0.7 a cursor that points at no message may point at a time, ``starts_at``, and
counts what was pushed since it is there, ``pending``; subscriptions of pops over a namespace and task have no queue.

``settings`` names what is switched on; ``held_pushes`` are messages that are held back in maintenance. The state of a
query names its partition and does not refer to it: on the server it outlives the queue. The queues that a query names
are not kept, as no route tells them.
"""

from __future__ import annotations

import sqlite3

from typing_extensions import Final

VERSION: Final = 3

_TABLES: Final = """
CREATE TABLE queues (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    task TEXT NOT NULL,
    options TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    queue_id INTEGER NOT NULL REFERENCES queues ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    newest_seq INTEGER,
    newest_at INTEGER,
    UNIQUE (queue_id, name)
);
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL,
    partition_id INTEGER NOT NULL REFERENCES partitions ON DELETE CASCADE,
    transaction_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    trace_id TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (partition_id, transaction_id)
);
CREATE INDEX messages_in_order ON messages (partition_id, seq);
CREATE TABLE cursors (
    partition_id INTEGER NOT NULL REFERENCES partitions ON DELETE CASCADE,
    consumer_group TEXT NOT NULL,
    cursor INTEGER,
    starts_at INTEGER,
    lease_id TEXT,
    lease_until INTEGER,
    batch_size INTEGER NOT NULL DEFAULT 0,
    acked_count INTEGER NOT NULL DEFAULT 0,
    retry_count INTEGER NOT NULL DEFAULT 0,
    consumed_total INTEGER NOT NULL DEFAULT 0,
    batches_total INTEGER NOT NULL DEFAULT 0,
    last_consumed_at INTEGER,
    pending INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (partition_id, consumer_group)
) WITHOUT ROWID;
CREATE INDEX cursors_by_lease ON cursors (lease_id) WHERE lease_id IS NOT NULL;
CREATE TABLE subscriptions (
    consumer_group TEXT NOT NULL,
    queue TEXT NOT NULL,
    partition TEXT NOT NULL,
    namespace TEXT NOT NULL DEFAULT '',
    task TEXT NOT NULL DEFAULT '',
    mode TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, queue, partition, namespace, task)
) WITHOUT ROWID;
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    message_seq INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
    partition_id INTEGER NOT NULL REFERENCES partitions ON DELETE CASCADE,
    consumer_group TEXT NOT NULL,
    error TEXT NOT NULL,
    retry_count INTEGER NOT NULL,
    failed_at INTEGER NOT NULL
);
CREATE INDEX dead_letters_of_message ON dead_letters (message_seq);
CREATE INDEX dead_letters_of_partition ON dead_letters (partition_id);
CREATE TABLE traces (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    message_seq INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
    consumer_group TEXT NOT NULL,
    event_type TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX traces_of_message ON traces (message_seq);
CREATE TABLE trace_names (
    trace_id INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY (trace_id, name)
) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE held_pushes (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    partition TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    trace_id TEXT,
    payload TEXT NOT NULL
);
CREATE INDEX trace_names_by_name ON trace_names (name);
CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    partitioned INTEGER NOT NULL,
    window_type TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    grace_ms INTEGER NOT NULL,
    lease_ms INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE TABLE stream_sources (
    stream_id INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE,
    queue_id INTEGER NOT NULL REFERENCES queues ON DELETE CASCADE,
    PRIMARY KEY (stream_id, queue_id)
) WITHOUT ROWID;
CREATE TABLE stream_offsets (
    stream_id INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE,
    consumer_group TEXT NOT NULL,
    key TEXT NOT NULL,
    reached INTEGER,
    windows INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (stream_id, consumer_group, key)
) WITHOUT ROWID;
CREATE TABLE stream_leases (
    lease_id TEXT PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE,
    consumer_group TEXT NOT NULL,
    key TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX stream_leases_by_window ON stream_leases (stream_id, consumer_group, key, starts_at);
CREATE TABLE queries (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    config_hash TEXT NOT NULL
);
CREATE TABLE query_state (
    query_id INTEGER NOT NULL REFERENCES queries ON DELETE CASCADE,
    partition_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (query_id, partition_uuid, key)
) WITHOUT ROWID;
"""

# What is made of the tables, and ends with the connection: the counts of partitions as they were when they were last
# counted, and how many messages were consumed of each queue in each minute of the last thirty days. The ids of what was
# deleted are used again, so that neither is known by them.
_DERIVED: Final = """
CREATE TEMP TABLE counts (
    partition TEXT PRIMARY KEY,
    total INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    processing INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    dead_letters INTEGER NOT NULL,
    oldest INTEGER,
    newest INTEGER,
    counted_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TEMP TABLE consumption (
    minute INTEGER NOT NULL,
    queue TEXT NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (minute, queue)
) WITHOUT ROWID;
CREATE TEMP TRIGGER forgotten AFTER INSERT ON consumption
BEGIN
    DELETE FROM consumption WHERE minute < NEW.minute - 43200;
END;
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables in a new database.

    Raises:
        OSError: the file was written by another version of the broker.
    """
    [found] = connection.execute("PRAGMA user_version").fetchone()
    if found == 0:
        connection.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
    elif found != VERSION:
        raise OSError(f"the database has the layout {found}, and this broker reads layout {VERSION}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.executescript(_DERIVED)
