"""Parameters of an operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import cast

from generator.diff.change import ABSENT, Change, documentation, presence, presence_change, unjudged
from generator.diff.effects import BOTH, CALLERS, NOBODY, Direction
from generator.diff.operation import Operation
from generator.diff.schemas import SchemaComparison
from generator.spec import JsonObject, resolved

_COMPARED = ("name", "in", "required", "schema")

# By place (path, query, ...) and name.
Parameters = Mapping[tuple[str, str], JsonObject]


def parameters(operation: Operation) -> Parameters:
    """The parameters of an operation; its own replace those of its path."""
    listed = [
        resolved(operation.document, parameter)
        for node in (operation.item, operation.node)
        for parameter in cast("list[JsonObject]", node.get("parameters", []))
    ]
    return {(cast(str, parameter["in"]), cast(str, parameter["name"])): parameter for parameter in listed}


def names_in(path: str) -> list[str]:
    """The names of a path's parameters, in order."""
    return re.findall(r"\{([^}]*)\}", path)


def parameter_changes(
    schemas: SchemaComparison, old: Parameters, new: Parameters, renamed: Mapping[str, str]
) -> Iterator[Change]:
    """What changed in the parameters of an operation.

    Args:
        schemas: compares their schemas.
        old: the parameters that were there.
        new: the parameters that are there.
        renamed: the new names of parameters that keep their place in the path.
    """
    left = dict(new)
    for (place, name), parameter in old.items():
        where = f"{place} parameter {name}"
        key = (place, renamed.get(name, name) if place == "path" else name)
        if key not in left:
            key = next((other for other in left if other[1] == name and other not in old), key)
        if key not in left:
            required = parameter.get("required") is True
            yield Change(where, "parameter", presence(required), ABSENT, BOTH if required else CALLERS)
            continue
        yield from _changes(schemas, where, parameter, left.pop(key))
    for (place, name), parameter in left.items():
        required = parameter.get("required") is True
        yield Change(
            f"{place} parameter {name}", "parameter", ABSENT, presence(required), CALLERS if required else NOBODY
        )


def _changes(schemas: SchemaComparison, where: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    if old["name"] != new["name"]:
        # It is sent as before, and is another argument.
        yield Change(where, "name", old["name"], new["name"], CALLERS)
    if old["in"] != new["in"]:
        yield Change(where, "in", old["in"], new["in"], BOTH)
    was, now = old.get("required") is True, new.get("required") is True
    yield from presence_change(where, "parameter", was, now, Direction.REQUEST)
    yield from schemas.changes(where, old.get("schema", {}), new.get("schema", {}))
    yield from unjudged(where, old, new, _COMPARED)
    yield from documentation(where, old, new)
