"""Streaming queries: registered, and their state read."""

from __future__ import annotations

import json
from typing import List, Optional, Union, cast

from queen_api.models import QueryMismatch, QueryState, RegisteredQuery
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import casts, queries, query_state
from queen.broker.domain.queries import Registered
from queen.broker.domain.query_state import StateFilter
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.fields import boolean_field, object_body, place_fields, refuse_zero, text_field

_LARGEST: Final = 2**63


async def register_query(backend: Backend, call: Call) -> Answer:
    """Create a query, or find it again."""
    fields = object_body(call)
    for key in ("name", "source_queue", "config_hash"):
        if not text_field(fields, key, ""):
            raise DirectRefusalError(400, f"{key} is required")
    refuse_zero(fields)
    name, config_hash = text_field(fields, "name", ""), text_field(fields, "config_hash", "")
    reset = boolean_field(fields, "reset", False)
    registered = await backend.store.run(lambda tx: queries.register(tx, name, config_hash, reset=reset))
    return database(_registration(name, config_hash, registered))


async def get_query_state(backend: Backend, call: Call) -> Answer:
    """The state of a query in one partition."""
    fields = object_body(call)
    query_id, partition_id = place_fields(fields)
    refuse_zero(fields)
    wanted = StateFilter(
        query_id=query_id,
        partition_id=partition_id,
        keys=_keys(fields.get("keys")),
        prefix=casts.text(fields.get("key_prefix")) or "",
        ripe_at=_ripe_at(fields.get("ripe_at_or_before")),
    )
    rows = await backend.store.run(lambda tx: query_state.read(tx, wanted))
    state: QueryState = {
        "success": True,
        "rows": [
            {"key": row["key"], "value": json.loads(row["value"]), "updated_at": timestamps.offset(row["updated_at"])}
            for row in rows
        ],
    }
    return database(state)


ROUTES: RouteTable = [
    ("POST", "/streams/v1/queries", register_query),
    ("POST", "/streams/v1/state/get", get_query_state),
]


def _registration(name: str, config_hash: str, registered: Registered) -> Union[RegisteredQuery, QueryMismatch]:
    if registered.accepted:
        return {
            "success": True,
            "query_id": registered.query_id,
            "name": name,
            "config_hash": config_hash,
            "fresh": registered.fresh,
            "reset": registered.reset,
        }
    return {
        "success": False,
        "query_id": registered.query_id,
        "name": name,
        "error": f"config_hash mismatch: operator chain changed for queryId '{name}'. "
        "Pass reset:true to wipe existing state, or use a new queryId.",
    }


def _keys(value: object) -> List[Optional[str]]:
    return [casts.text(key) for key in cast("List[object]", value)] if isinstance(value, list) else []


def _ripe_at(value: object) -> Optional[int]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) or not -_LARGEST <= value < _LARGEST:
        raise DatabaseRefusalError(f'invalid input syntax for type bigint: "{value}"')
    return value
