"""Streaming queries: registered, and their state read."""

from __future__ import annotations

import json
from typing import Dict, List, Mapping, Optional, Tuple, cast

from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import casts, queries, query_state
from queen.broker.domain.names import document
from queen.broker.domain.query_state import StateFilter
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable, text_field

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
    answer: Dict[str, object] = {"success": registered.accepted, "query_id": registered.query_id, "name": name}
    if registered.accepted:
        answer.update(config_hash=config_hash, fresh=registered.fresh, reset=registered.reset)
    else:
        answer["error"] = (
            f"config_hash mismatch: operator chain changed for queryId '{name}'. "
            "Pass reset:true to wipe existing state, or use a new queryId."
        )
    return database(answer)


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
    listed = [
        {"key": row["key"], "value": json.loads(row["value"]), "updated_at": timestamps.offset(row["updated_at"])}
        for row in rows
    ]
    return database({"success": True, "rows": listed})


def object_body(call: Call) -> Dict[str, object]:
    """A body that must be an object.

    Raises:
        DirectRefusalError: there is none, or it is something else.
    """
    value = call.json()
    if not isinstance(value, dict):
        raise DirectRefusalError(400, "request body must be a JSON object")
    return cast("Dict[str, object]", value)


def place_fields(fields: Mapping[str, object]) -> Tuple[str, str]:
    """The ids of a query and of a partition, as they were sent.

    Raises:
        DirectRefusalError: one of them is no text.
    """
    for key in ("query_id", "partition_id"):
        if not isinstance(fields.get(key), str):
            raise DirectRefusalError(400, f"{key} is required")
    return text_field(fields, "query_id", ""), text_field(fields, "partition_id", "")


def refuse_zero(fields: Mapping[str, object]) -> None:
    """Refuse U+0000 anywhere: the server gives the whole request to its database.

    Raises:
        DatabaseRefusalError: there is one.
    """
    document(fields)


def boolean_field(fields: Mapping[str, object], key: str, default: bool) -> bool:
    """A boolean, or what reads as one; null is the default.

    Raises:
        DatabaseRefusalError: anything else.
    """
    value = fields.get(key)
    return default if value is None else casts.boolean(value)


ROUTES: RouteTable = [
    ("POST", "/streams/v1/queries", register_query),
    ("POST", "/streams/v1/state/get", get_query_state),
]


def _keys(value: object) -> List[Optional[str]]:
    return [casts.text(key) for key in cast("List[object]", value)] if isinstance(value, list) else []


def _ripe_at(value: object) -> Optional[int]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) or not -_LARGEST <= value < _LARGEST:
        raise DatabaseRefusalError(f'invalid input syntax for type bigint: "{value}"')
    return value
