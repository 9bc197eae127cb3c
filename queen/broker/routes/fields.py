"""Fields of a body, as server 0.15 reads them."""

from __future__ import annotations

from typing import Dict, Mapping, Tuple, cast

from queen.broker.domain import casts
from queen.broker.domain.names import document
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Call


def text_field(fields: object, key: str, default: str) -> str:
    """A text field of a body; another type, or none, is the default."""
    value = fields.get(key) if isinstance(fields, dict) else None
    return value if isinstance(value, str) else default


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
