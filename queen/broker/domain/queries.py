"""Streaming queries: known by name, and guarded by the hash of what they compute."""

from __future__ import annotations

import attrs

from queen.broker import identifiers
from queen.broker.store.database import Transaction


@attrs.frozen
class Registered:
    """What became of a registration.

    Attributes:
        query_id: the id of the query, also of one that refused it.
        accepted: whether the query has this hash now.
        fresh: whether its name was new.
        reset: whether another hash was accepted, and the state wiped.
    """

    query_id: str
    accepted: bool = True
    fresh: bool = False
    reset: bool = False


def register(tx: Transaction, name: str, config_hash: str, *, reset: bool) -> Registered:
    """Find a query, or create it.

    Args:
        tx: the transaction.
        name: its name.
        config_hash: the hash of what it computes.
        reset: whether a query of another hash takes this one and loses its state, in place of being refused.
    """
    row = tx.row("SELECT id, uuid, config_hash FROM queries WHERE name = ?", [name])
    if row is None:
        query_id = identifiers.random()
        tx.execute("INSERT INTO queries (uuid, name, config_hash) VALUES (?, ?, ?)", [query_id, name, config_hash])
        return Registered(query_id, fresh=True)
    if row["config_hash"] == config_hash:
        return Registered(row["uuid"])
    if not reset:
        return Registered(row["uuid"], accepted=False)
    tx.execute("DELETE FROM query_state WHERE query_id = ?", [row["id"]])
    tx.execute("UPDATE queries SET config_hash = ? WHERE id = ?", [config_hash, row["id"]])
    return Registered(row["uuid"], reset=True)
