"""Queues and partitions: created, configured, found, deleted."""

from __future__ import annotations

import json
import sqlite3
from typing import Dict, List, Mapping, Optional, Tuple, Union

import attrs
from typing_extensions import Final

from queen.broker import identifiers
from queen.broker.domain import casts
from queen.broker.domain.names import storable
from queen.broker.store.database import Transaction

Option = Union[int, bool]

DEFAULT_PARTITION: Final = "Default"

DEFAULTS: Final[Mapping[str, Option]] = {
    "completedRetentionSeconds": 0,
    "deadLetterQueue": False,
    "delayedProcessing": 0,
    "dlqAfterMaxRetries": False,
    "encryptionEnabled": False,
    "leaseTime": 300,
    "maxSize": 0,
    "maxWaitTimeSeconds": 0,
    "priority": 0,
    "retentionEnabled": False,
    "retentionSeconds": 0,
    "retryDelay": 1000,
    "retryLimit": 3,
    "ttl": 3600,
    "windowBuffer": 0,
}
# The server stores these whatever JSON type they were sent with, and does not complain afterwards.
_TYPE_NOT_CHECKED: Final = frozenset(["retentionEnabled", "maxWaitTimeSeconds"])


@attrs.frozen
class Queue:
    """A stored queue."""

    id: int
    uuid: str
    name: str
    namespace: str
    task: str
    created_at: int
    options: Mapping[str, Option]

    def micros(self, option: str) -> int:
        """An option in seconds, as microseconds."""
        return int(self.options[option]) * 1_000_000

    @property
    def lease_micros(self) -> int:
        """How long a lease lasts; 0 means a minute."""
        return self.micros("leaseTime") or 60_000_000


def queue_from(row: sqlite3.Row) -> Queue:
    """A queue from its row."""
    return Queue(
        row["id"],
        row["uuid"],
        row["name"],
        row["namespace"],
        row["task"],
        row["created_at"],
        {**DEFAULTS, **json.loads(row["options"])},
    )


def find(tx: Transaction, name: str) -> Optional[Queue]:
    """The queue of a name."""
    row = tx.row("SELECT * FROM queues WHERE name = ?", [name])
    return queue_from(row) if row is not None else None


def matching(tx: Transaction, namespace: str, task: str) -> List[Queue]:
    """The queues of a namespace and task, the earliest created first; an empty name is any."""
    rows = tx.rows(
        "SELECT * FROM queues WHERE (:namespace = '' OR namespace = :namespace) AND (:task = '' OR task = :task) "
        "ORDER BY id",
        {"namespace": namespace, "task": task},
    )
    return [queue_from(row) for row in rows]


def ensure(tx: Transaction, name: str, namespace: Optional[str] = None, task: Optional[str] = None) -> int:
    """The id of a queue, created if need be; where namespace or task is None, with that from its name."""
    first, second = (*storable(name).split("."), "")[:2]
    return ensure_plain(tx, name, first if namespace is None else namespace, second if task is None else task)


def ensure_plain(tx: Transaction, name: str, namespace: str = "", task: str = "") -> int:
    """The id of a queue, created if need be with this namespace and task."""
    row = tx.row("SELECT id FROM queues WHERE name = ?", [name])
    return int(row["id"]) if row is not None else _insert(tx, storable(name), namespace, task, {})


def ensure_partition(tx: Transaction, queue_id: int, name: str) -> Tuple[int, str]:
    """The id and the uuid of a partition, created if need be."""
    row = tx.row("SELECT id, uuid FROM partitions WHERE queue_id = ? AND name = ?", [queue_id, name])
    if row is not None:
        return row["id"], row["uuid"]
    uuid = identifiers.random()
    cursor = tx.execute(
        "INSERT INTO partitions (uuid, queue_id, name, created_at) VALUES (?, ?, ?, ?)",
        [uuid, queue_id, storable(name), tx.now],
    )
    return int(cursor.lastrowid or 0), uuid


@attrs.frozen
class Configured:
    """A queue after ``configure``.

    Attributes:
        queue: the queue as it is now.
        partition_uuid: the id of its partition ``Default``.
        complaint: what the server answers in place of the configuration, although it has stored it.
    """

    queue: Queue
    partition_uuid: str
    complaint: Optional[str]


def configure(
    tx: Transaction, name: str, namespace: Optional[str], task: Optional[str], options: Mapping[str, object]
) -> Configured:
    """Create a queue, or replace the whole configuration of one that exists.

    Raises:
        DatabaseRefusalError: an option that cannot be read, or a name that cannot be stored; nothing is stored then.
    """
    storable(name)
    checked: Dict[str, Option] = {}
    odd: List[str] = []
    for key in DEFAULTS:
        if key in options:
            checked[key], expected = _read_option(key, options[key])
            if not expected and key not in _TYPE_NOT_CHECKED:
                odd.append(key)
    queue, partition = put(tx, name, namespace or "", task or "", checked)
    complaint = None
    if odd:
        complaint = f"unexpected JSON type of {', '.join(odd)}"
    elif not checked and namespace is None and task is None:
        complaint = "no namespace, task or option was given"
    return Configured(queue, partition, complaint)


def put(tx: Transaction, name: str, namespace: str, task: str, options: Mapping[str, Option]) -> Tuple[Queue, str]:
    """Store a queue's whole configuration; the queue, and the id of its partition ``Default``.

    Raises:
        DatabaseRefusalError: a name that cannot be stored.
    """
    stored = storable(namespace), storable(task)
    row = tx.row("SELECT id FROM queues WHERE name = ?", [storable(name)])
    if row is None:
        _insert(tx, name, *stored, options)
    else:
        tx.execute(
            "UPDATE queues SET namespace = ?, task = ?, options = ? WHERE id = ?",
            [*stored, json.dumps(options), row["id"]],
        )
    queue = find(tx, name)
    assert queue is not None
    _, partition = ensure_partition(tx, queue.id, DEFAULT_PARTITION)
    tx.changed.add(name)
    return queue, partition


def delete(tx: Transaction, name: str) -> bool:
    """Delete a queue with all that is in it; its subscriptions stay."""
    deleted = tx.execute("DELETE FROM queues WHERE name = ?", [name]).rowcount
    tx.changed.add(name)
    return deleted > 0


def _insert(tx: Transaction, name: str, namespace: str, task: str, options: Mapping[str, Option]) -> int:
    cursor = tx.execute(
        "INSERT INTO queues (uuid, name, namespace, task, options, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        [identifiers.random(), name, storable(namespace), storable(task), json.dumps(options), tx.now],
    )
    return int(cursor.lastrowid or 0)


def _read_option(key: str, value: object) -> Tuple[Option, bool]:
    """An option as the server's database reads it, and whether it had the JSON type that it should have."""
    default = DEFAULTS[key]
    if value is None:
        return default, False
    if isinstance(default, bool):
        return casts.boolean(value), isinstance(value, bool)
    return casts.integer(value), isinstance(value, int)
