"""Windowed streams: messages of source queues in tumbling windows of time, leased one after the other.

The rules and their numbers (W1 and so on) are those of server 0.7. A stream reads the stored messages: what is popped
or acknowledged in the queues plays no part.
"""

from __future__ import annotations

import sqlite3
from typing import Dict, List, Mapping, Optional, Sequence

import attrs
from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain.names import storable
from queen.broker.store.database import Transaction, Value

GLOBAL_KEY: Final = "__GLOBAL__"


@attrs.frozen(kw_only=True)
class Definition:
    """A stream to define; times in milliseconds."""

    name: str
    namespace: str
    sources: Sequence[str]
    partitioned: bool
    window_type: str
    duration_ms: int
    grace_ms: int
    lease_ms: int


@attrs.frozen
class Stream:
    """A stored stream; times in microseconds."""

    row: sqlite3.Row

    @property
    def id(self) -> int:
        """Its number in the store."""
        return int(self.row["id"])

    @property
    def uuid(self) -> str:
        """Its id."""
        return str(self.row["uuid"])

    @property
    def partitioned(self) -> bool:
        """Whether it has a sequence of windows for each partition name."""
        return bool(self.row["partitioned"])

    def micros(self, setting: str) -> int:
        """A setting in milliseconds, as microseconds."""
        return int(self.row[setting]) * 1000


@attrs.frozen
class Window:
    """A leased window; ``aligned`` tells whether its start was computed, and not taken from an offset."""

    stream: Stream
    key: str
    start: int
    end: int
    aligned: bool
    lease_id: str
    messages: Sequence[sqlite3.Row]


def define(tx: Transaction, definition: Definition) -> str:
    """Define a stream, or replace the settings of one: its sources are only added (W1).

    Returns:
        Its id.
    """
    settings: List[Value] = [
        storable(definition.namespace),
        int(definition.partitioned),
        storable(definition.window_type),
        definition.duration_ms,
        definition.grace_ms,
        definition.lease_ms,
        tx.now,
    ]
    stream = find(tx, definition.name)
    if stream is None:
        tx.execute(
            "INSERT INTO streams (namespace, partitioned, window_type, duration_ms, grace_ms, lease_ms, updated_at, "
            "uuid, name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*settings, identifiers.random(), storable(definition.name), tx.now],
        )
    else:
        tx.execute(
            "UPDATE streams SET namespace = ?, partitioned = ?, window_type = ?, duration_ms = ?, grace_ms = ?, "
            "lease_ms = ?, updated_at = ? WHERE id = ?",
            [*settings, stream.id],
        )
    defined = find(tx, definition.name)
    assert defined is not None
    for queue in definition.sources:
        tx.execute(
            "INSERT INTO stream_sources SELECT ?, id FROM queues WHERE name = ? ON CONFLICT DO NOTHING",
            [defined.id, queue],
        )
    tx.changed.update(sources(tx, defined))
    return defined.uuid


def find(tx: Transaction, name: str) -> Optional[Stream]:
    """The stream of a name."""
    row = tx.row("SELECT * FROM streams WHERE name = ?", [name])
    return Stream(row) if row is not None else None


def delete(tx: Transaction, name: str) -> bool:
    """Delete a stream with its offsets and leases."""
    stream = find(tx, name)
    if stream is None:
        return False
    tx.changed.update(sources(tx, stream))
    tx.execute("DELETE FROM streams WHERE id = ?", [stream.id])
    return True


def sources(tx: Transaction, stream: Stream) -> List[str]:
    """The names of its source queues."""
    rows = tx.rows(
        "SELECT q.name FROM stream_sources s JOIN queues q ON q.id = s.queue_id WHERE s.stream_id = ? ORDER BY q.id",
        [stream.id],
    )
    return [row["name"] for row in rows]


def lease_next(tx: Transaction, stream: Stream, group: str) -> Optional[Window]:
    """Lease the first window that is closed and not leased (W4 to W8)."""
    watermark = _watermark(tx, stream)
    if watermark is None:
        return None
    offsets = _offsets(tx, stream, group)
    duration, grace = stream.micros("duration_ms"), stream.micros("grace_ms")
    for key in _keys(tx, stream):
        offset = offsets.get(key)
        start = offset if offset is not None else _first_start(tx, stream, key, duration)
        if start is None or watermark < start + duration + grace or _is_leased(tx, stream, group, key, start):
            continue
        lease_id = identifiers.random()
        tx.execute(
            "INSERT INTO stream_leases VALUES (?, ?, ?, ?, ?, ?, ?)",
            [lease_id, stream.id, group, key, start, start + duration, tx.now + stream.micros("lease_ms")],
        )
        messages = _messages(tx, stream, key, start, start + duration)
        return Window(stream, key, start, start + duration, offset is None, lease_id, messages)
    return None


def next_expiry(tx: Transaction, stream: Stream, group: str, since: int) -> Optional[int]:
    """When, after a time, the first lease of a group ends: nothing else makes a window ready without an event."""
    row = tx.row(
        "SELECT MIN(expires_at) FROM stream_leases WHERE stream_id = ? AND consumer_group = ? AND expires_at > ?",
        [stream.id, group, since],
    )
    return None if row is None or row[0] is None else int(row[0])


def acknowledge(tx: Transaction, lease_id: str, *, success: bool) -> bool:
    """Settle a window: go on behind it, or give it back (W12); False for a lease that is over."""
    lease = _live_lease(tx, lease_id)
    if lease is None:
        return False
    tx.execute("DELETE FROM stream_leases WHERE lease_id = ?", [lease["lease_id"]])
    if success:
        tx.execute(
            "INSERT INTO stream_offsets VALUES (?, ?, ?, ?, 1, ?) "
            "ON CONFLICT (stream_id, consumer_group, key) DO UPDATE SET "
            "reached = excluded.reached, windows = windows + 1, updated_at = excluded.updated_at",
            [lease["stream_id"], lease["consumer_group"], lease["key"], lease["ends_at"], tx.now],
        )
    _wake(tx, lease["stream_id"])
    return True


def renew(tx: Transaction, lease_id: str, millis: int) -> Optional[int]:
    """Let a lease end so long from now, which can shorten it; when that is, or None for a lease that is over."""
    lease = _live_lease(tx, lease_id)
    if lease is None:
        return None
    until = tx.now + millis * 1000
    tx.execute("UPDATE stream_leases SET expires_at = ? WHERE lease_id = ?", [until, lease["lease_id"]])
    _wake(tx, lease["stream_id"])
    return until


def release(tx: Transaction, window: Window) -> None:
    """Take back a lease that reached nobody."""
    tx.execute("DELETE FROM stream_leases WHERE lease_id = ?", [window.lease_id])
    _wake(tx, window.stream.id)


def seek(tx: Transaction, stream: Stream, group: str, moment: Optional[int]) -> None:
    """Let the next window of a global stream start there; with None, where the first message is (W15, W16)."""
    tx.execute(
        "INSERT INTO stream_offsets VALUES (?, ?, ?, ?, 0, ?) "
        "ON CONFLICT (stream_id, consumer_group, key) DO UPDATE SET "
        "reached = excluded.reached, windows = 0, updated_at = excluded.updated_at",
        [stream.id, storable(group), GLOBAL_KEY, moment, tx.now],
    )
    tx.changed.update(sources(tx, stream))


def listing(tx: Transaction) -> List[sqlite3.Row]:
    """All streams with their live leases and groups, the latest first."""
    return tx.rows(
        "SELECT s.*, (SELECT COUNT(*) FROM stream_leases l WHERE l.stream_id = s.id AND l.expires_at > ?) AS leases, "
        "(SELECT COUNT(DISTINCT consumer_group) FROM stream_offsets o WHERE o.stream_id = s.id) AS consumer_groups "
        "FROM streams s ORDER BY s.id DESC",
        [tx.now],
    )


def stats(tx: Transaction) -> Dict[str, int]:
    """What all streams do, as the server counts it."""
    hour = tx.now - 3_600_000_000
    left = tx.row("SELECT COUNT(*), AVG(expires_at - ?) FROM stream_leases WHERE expires_at > ?", [tx.now, tx.now])
    assert left is not None
    return {
        "totalStreams": tx.number("SELECT COUNT(*) FROM streams"),
        "partitionedStreams": tx.number("SELECT COUNT(*) FROM streams WHERE partitioned"),
        "activeLeases": int(left[0]),
        "totalConsumerGroups": tx.number("SELECT COUNT(DISTINCT consumer_group) FROM stream_offsets"),
        "activeConsumers": tx.number(
            "SELECT COUNT(DISTINCT consumer_group) FROM stream_offsets WHERE updated_at > ?", [hour]
        ),
        "totalWindowsProcessed": tx.number("SELECT COALESCE(SUM(windows), 0) FROM stream_offsets"),
        "windowsLastHour": tx.number("SELECT COUNT(*) FROM stream_offsets WHERE updated_at > ?", [hour]),
        "avgLeaseTime": int((left[1] or 0) / 1e6),
    }


def _watermark(tx: Transaction, stream: Stream) -> Optional[int]:
    """The smallest of the marks of its sources; a source that never had a message has none."""
    row = tx.row(
        "SELECT MIN(mark) FROM (SELECT MAX(p.newest_at) AS mark FROM stream_sources s "
        "JOIN partitions p ON p.queue_id = s.queue_id WHERE s.stream_id = ? GROUP BY s.queue_id)",
        [stream.id],
    )
    return None if row is None or row[0] is None else int(row[0])


def _keys(tx: Transaction, stream: Stream) -> List[str]:
    if not stream.partitioned:
        return [GLOBAL_KEY]
    rows = tx.rows(
        "SELECT DISTINCT p.name FROM stream_sources s JOIN partitions p ON p.queue_id = s.queue_id "
        "WHERE s.stream_id = ? ORDER BY p.name",
        [stream.id],
    )
    return [row["name"] for row in rows]


def _offsets(tx: Transaction, stream: Stream, group: str) -> Mapping[str, int]:
    rows = tx.rows(
        "SELECT key, reached FROM stream_offsets WHERE stream_id = ? AND consumer_group = ? AND reached IS NOT NULL",
        [stream.id, group],
    )
    return {row["key"]: int(row["reached"]) for row in rows}


def _first_start(tx: Transaction, stream: Stream, key: str, duration: int) -> Optional[int]:
    """Where the window of the first message starts: at a multiple of the duration since 1970 (W6)."""
    row = tx.row(
        "SELECT MIN(m.created_at) FROM stream_sources s JOIN partitions p ON p.queue_id = s.queue_id "
        "JOIN messages m ON m.partition_id = p.id WHERE s.stream_id = ? AND (? OR p.name = ?)",
        [stream.id, int(not stream.partitioned), key],
    )
    if row is None or row[0] is None:
        return None
    millis = int(row[0]) // 1000 * 1000
    return millis - millis % duration


def _is_leased(tx: Transaction, stream: Stream, group: str, key: str, start: int) -> bool:
    where: List[Value] = [stream.id, group, key, start, tx.now]
    condition = "stream_id = ? AND consumer_group = ? AND key = ? AND starts_at = ?"
    tx.execute(f"DELETE FROM stream_leases WHERE {condition} AND expires_at <= ?", where)  # noqa: S608  (own text)
    return tx.number(f"SELECT COUNT(*) FROM stream_leases WHERE {condition} AND expires_at > ?", where) > 0  # noqa: S608


def _messages(tx: Transaction, stream: Stream, key: str, start: int, end: int) -> List[sqlite3.Row]:
    return tx.rows(
        "SELECT m.uuid, m.created_at, m.payload FROM stream_sources s JOIN partitions p ON p.queue_id = s.queue_id "
        "JOIN messages m ON m.partition_id = p.id WHERE s.stream_id = ? AND (? OR p.name = ?) "
        "AND m.created_at >= ? AND m.created_at < ? ORDER BY m.created_at, m.seq",
        [stream.id, int(not stream.partitioned), key, start, end],
    )


def _live_lease(tx: Transaction, lease_id: str) -> Optional[sqlite3.Row]:
    return tx.row(
        "SELECT * FROM stream_leases WHERE lease_id = ? AND expires_at > ?", [identifiers.read(lease_id), tx.now]
    )


def _wake(tx: Transaction, stream_id: int) -> None:
    row = tx.row("SELECT * FROM streams WHERE id = ?", [stream_id])
    if row is not None:
        tx.changed.update(sources(tx, Stream(row)))
