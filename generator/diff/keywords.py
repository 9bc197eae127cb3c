"""The keywords that restrict one value: each as it was and as it is, with whom the change breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from generator.diff.change import ABSENT, Change, documentation, unjudged
from generator.diff.effects import (
    CALLERS,
    NOBODY,
    Direction,
    Effect,
    broken,
    effect_on_bound,
    effect_on_flag,
    effect_on_restriction,
    effect_on_set,
)
from generator.diff.normalization import LOWER_BOUNDS, UPPER_BOUNDS
from generator.spec import JsonObject

_INCOMPARABLE = ("pattern", "multipleOf")
# What a restricted set of values each format has, from the smallest on.
_FORMATS_IN_ORDER = (("int32", "int64"), ("float", "double"))
_COMPARED_ELSEWHERE = ("type", "properties", "required", "additionalProperties", "items")
_COMPARED = (
    *_COMPARED_ELSEWHERE,
    *LOWER_BOUNDS,
    *UPPER_BOUNDS,
    *_INCOMPARABLE,
    "enum",
    "const",
    "format",
    "uniqueItems",
    "default",
    "x-queen-refused",
)


def type_change(where: str, old: JsonObject, new: JsonObject, direction: Direction) -> tuple[Effect, Iterator[Change]]:
    """How the types lie, and the change if there is one."""
    if "type" not in old and "type" not in new:
        return Effect.SAME, iter(())
    effect = effect_on_set(types(old), types(new))
    return effect, _changed(where, "type", *_pair(old, new, "type"), effect, direction)


def types(schema: JsonObject) -> frozenset[object] | None:
    """The types that a value may have, of its ``type`` or of the values it may be; None for any."""
    if "type" in schema:
        # Every integer is a number.
        return frozenset(["integer", "number"] if schema["type"] == "number" else [schema["type"]])
    values = _allowed(schema)
    if values is None:
        return None
    return frozenset(name for value in values for name in types({"type": _type_of(value)}) or ())


def keyword_changes(where: str, old: JsonObject, new: JsonObject, direction: Direction) -> Iterator[Change]:
    """The changes of all keywords but of types, properties and items."""
    yield from _values(where, old, new, direction)
    yield from _changed(
        where, "format", *_pair(old, new, "format"), _format_effect(old.get("format"), new.get("format")), direction
    )
    for key in (*LOWER_BOUNDS, *UPPER_BOUNDS):
        before, after = cast("float | None", old.get(key)), cast("float | None", new.get(key))
        effect = effect_on_bound(before, after, lower=key in LOWER_BOUNDS)
        yield from _changed(where, key, *_pair(old, new, key), effect, direction)
    for key in _INCOMPARABLE:
        effect = effect_on_restriction(old.get(key), new.get(key))
        yield from _changed(where, key, *_pair(old, new, key), effect, direction)
    unique = effect_on_flag(old.get("uniqueItems") is True, new.get("uniqueItems") is True)
    yield from _changed(where, "uniqueItems", *_pair(old, new, "uniqueItems"), unique, direction)
    yield from _default(where, old, new, direction)
    if (old.get("x-queen-refused") is True) != (new.get("x-queen-refused") is True):
        yield Change(where, "x-queen-refused", *_pair(old, new, "x-queen-refused"), CALLERS)
    yield from unjudged(where, old, new, _COMPARED)
    yield from documentation(where, old, new)


def _changed(
    where: str, subject: str, old: object, new: object, effect: Effect, direction: Direction
) -> Iterator[Change]:
    if effect is not Effect.SAME:
        yield Change(where, subject, old, new, broken(effect, direction))


def _pair(old: JsonObject, new: JsonObject, key: str) -> tuple[object, object]:
    return old.get(key, ABSENT), new.get(key, ABSENT)


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    for kind, name in ((int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def _allowed(schema: JsonObject) -> list[object] | None:
    if "const" in schema:
        return [schema["const"]]
    return cast("list[object] | None", schema.get("enum"))


def _values(where: str, old: JsonObject, new: JsonObject, direction: Direction) -> Iterator[Change]:
    """A ``const`` is an ``enum`` of one value."""
    before, after = _allowed(old), _allowed(new)
    # As JSON: to Python true is 1.
    sets = [
        None if values is None else frozenset(json.dumps(value, sort_keys=True, default=str) for value in values)
        for values in (before, after)
    ]
    yield from _changed(
        where,
        "enum",
        ABSENT if before is None else before,
        ABSENT if after is None else after,
        effect_on_set(*sets),
        direction,
    )


def _format_effect(old: object, new: object) -> Effect:
    for smaller, larger in _FORMATS_IN_ORDER:
        if (old, new) in ((smaller, larger), (larger, smaller)):
            return Effect.WIDER if old == smaller else Effect.NARROWER
    return effect_on_restriction(old, new)


def _default(where: str, old: JsonObject, new: JsonObject, direction: Direction) -> Iterator[Change]:
    before, after = _pair(old, new, "default")
    if before == after and type(before) is type(after):
        return
    if direction is Direction.RESPONSE:
        yield Change(where, "default", before, after, documentation=True)
    else:
        # A default that is told for the first time is what callers had all along.
        yield Change(where, "default", before, after, NOBODY if before is ABSENT else CALLERS)
