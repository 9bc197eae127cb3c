"""The state of a query: one value for each partition and key."""

from __future__ import annotations

import re
import sqlite3
from typing import List, Optional, Sequence, Union

import attrs

from queen.broker import identifiers
from queen.broker.domain.names import document
from queen.broker.failures import DatabaseRefusalError
from queen.broker.store.database import Transaction


@attrs.frozen
class Upsert:
    """Set the value of a key."""

    key: str
    value: object


@attrs.frozen
class Delete:
    """Delete a key; None is no key."""

    key: Optional[str]


Change = Union[Upsert, Delete]


@attrs.frozen(kw_only=True)
class StateFilter:
    """Which state is wanted.

    Attributes:
        keys: these keys only, of which None is no key; an empty list is no filter.
        prefix: only keys that begin with it, where ``%`` is any text, ``_`` any character, and a backslash takes the
            next character as it is; an empty one is no filter.
        ripe_at: only values whose ``windowEnd`` is a number, and at most this.
    """

    query_id: str
    partition_id: str
    keys: Sequence[Optional[str]]
    prefix: str
    ripe_at: Optional[int]


def apply(tx: Transaction, query_id: str, partition_id: str, change: Change) -> None:
    """Change the state of a query in one partition, whose existence is not looked at.

    Raises:
        DatabaseRefusalError: a value for a query that there is not.
    """
    if isinstance(change, Delete):
        tx.execute(
            "DELETE FROM query_state WHERE query_id = (SELECT id FROM queries WHERE uuid = ?) "
            "AND partition_uuid = ? AND key = ?",
            [query_id, partition_id, change.key],
        )
        return
    stored = tx.execute(
        "INSERT INTO query_state (query_id, partition_uuid, key, value, updated_at) "
        "SELECT id, ?, ?, ?, ? FROM queries WHERE uuid = ? "
        "ON CONFLICT (query_id, partition_uuid, key) DO UPDATE SET "
        "value = excluded.value, updated_at = excluded.updated_at",
        [partition_id, change.key, document(change.value), tx.now, query_id],
    ).rowcount
    if not stored:
        raise DatabaseRefusalError('insert or update on table "state" violates foreign key constraint')


def read(tx: Transaction, wanted: StateFilter) -> List[sqlite3.Row]:
    """The rows that pass all filters, by key.

    Raises:
        DatabaseRefusalError: an id that is no UUID.
    """
    return tx.rows(
        "SELECT s.key, s.value, s.updated_at FROM query_state s JOIN queries q ON q.id = s.query_id "
        "WHERE q.uuid = :query AND s.partition_uuid = :partition "
        "AND (:keys = '[]' OR s.key IN (SELECT value FROM json_each(:keys))) AND s.key GLOB :pattern "
        "AND (:ripe IS NULL OR (json_type(s.value, '$.windowEnd') IN ('integer', 'real') "
        "AND json_extract(s.value, '$.windowEnd') <= :ripe)) ORDER BY s.key",
        {
            "query": identifiers.read(wanted.query_id),
            "partition": identifiers.read(wanted.partition_id),
            "keys": document(list(wanted.keys)),
            "pattern": _glob(wanted.prefix),
            "ripe": wanted.ripe_at,
        },
    )


def _glob(prefix: str) -> str:
    """The pattern of GLOB, which minds case as the server's LIKE does, where SQLite's does not."""
    # The server appends the final wildcard first, so that a backslash at the end takes it as it is.
    return re.sub(r"\\(.)|(.)", _glob_part, prefix + "%", flags=re.DOTALL)


def _glob_part(found: re.Match[str]) -> str:
    escaped, plain = found.groups()
    if plain in ("%", "_"):
        return "*" if plain == "%" else "?"
    character = str(plain if escaped is None else escaped)
    return f"[{character}]" if character in "*?[" else character
