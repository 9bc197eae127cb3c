"""Schemas as they are compared: references followed, ``allOf`` merged, null told apart, unions spread out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import attrs

from generator.diff.change import DOCUMENTATION
from generator.failure import GenerationError
from generator.spec import JsonObject, resolved

LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_UNIONS = ("anyOf", "oneOf")


@attrs.frozen
class Alternative:
    """One of the schemas that a value may satisfy; none of them is null.

    Attributes:
        names: the references that led to it, outermost first.
        label: its own name, or its type when it has none.
        keywords: what it demands, and its words.
    """

    names: tuple[str, ...]
    label: str
    keywords: JsonObject


@attrs.frozen
class Union:
    """A schema as the schemas of which a value satisfies one.

    Attributes:
        alternatives: the schemas.
        nullable: whether null is allowed.
        documentation: the words about all of them, where there are several.
    """

    alternatives: Sequence[Alternative]
    nullable: bool
    documentation: JsonObject

    @property
    def unrestricted(self) -> bool:
        """Whether any value of any type is allowed."""
        return len(self.alternatives) == 1 and not {"type", "enum", "const"} & set(self.alternatives[0].keywords)


def normalized(document: JsonObject, schema: object) -> Union:
    """A schema of a document as it is compared.

    Raises:
        GenerationError: a schema is made of itself.
    """
    names, merged = _merged(document, schema, ())
    key = next((key for key in _UNIONS if key in merged), None)
    if key is None:
        return _without_null(names, merged)
    rest = {name: value for name, value in merged.items() if name != key and name not in DOCUMENTATION}
    parts = [
        normalized(document, {"allOf": [part, rest]} if rest else part)
        for part in cast("Sequence[object]", merged[key])
    ]
    alternatives = [alternative for part in parts for alternative in part.alternatives]
    if len(alternatives) == 1:
        words = {name: value for name, value in merged.items() if name in DOCUMENTATION}
        alternatives = [attrs.evolve(alternatives[0], keywords={**alternatives[0].keywords, **words})]
    return Union(
        [attrs.evolve(alternative, names=(*names, *alternative.names)) for alternative in alternatives],
        any(part.nullable for part in parts),
        {name: value for name, value in merged.items() if name in DOCUMENTATION and len(alternatives) != 1},
    )


def _merged(document: JsonObject, schema: object, within: tuple[str, ...]) -> tuple[tuple[str, ...], JsonObject]:
    if not isinstance(schema, Mapping):
        return (), {} if schema is True else {"not": {}}
    node = cast(JsonObject, schema)
    names: tuple[str, ...] = ()
    result: JsonObject = {key: value for key, value in node.items() if key not in ("$ref", "allOf")}
    if "$ref" in node:
        reference = cast(str, node["$ref"])
        if reference in within:
            raise GenerationError([f"{reference} is made of itself, through names alone"])
        further, target = _merged(document, resolved(document, {"$ref": reference}), (*within, reference))
        names = (reference.rsplit("/", 1)[-1], *further)
        result = _both(target, result)
    for part in cast("Sequence[object]", node.get("allOf", ())):
        further, demanded = _merged(document, part, within)
        names = (*names, *further)
        result = _both(demanded, result)
    return names, result


def _both(first: JsonObject, second: JsonObject) -> JsonObject:
    """What satisfies both; the words of the second."""
    merged = dict(first)
    for key, value in second.items():
        merged[key] = value if key not in first or key in DOCUMENTATION else _stricter(key, first[key], value)
    return merged


def _stricter(key: str, first: object, second: object) -> object:
    if first == second:
        return first
    if key in LOWER_BOUNDS or key in UPPER_BOUNDS:
        choose = max if key in LOWER_BOUNDS else min
        return choose(cast(float, first), cast(float, second))
    if key == "required":
        return [*cast("list[str]", first), *cast("list[str]", second)]
    if key == "properties":
        return _both_properties(cast(JsonObject, first), cast(JsonObject, second))
    if key in ("type", "enum"):
        allowed = second if isinstance(second, list) else [second]
        kept = [value for value in (first if isinstance(first, list) else [first]) if value in allowed]
        return kept[0] if key == "type" and len(kept) == 1 else kept
    if key in ("items", "additionalProperties"):
        return {"allOf": [first, second]}
    if key in _UNIONS:
        return [
            {"allOf": [one, other]}
            for one in cast("Sequence[object]", first)
            for other in cast("Sequence[object]", second)
        ]
    # Not judged: any change of the two is told, as a break of both sides.
    return [first, second]


def _both_properties(first: JsonObject, second: JsonObject) -> JsonObject:
    return {
        **first,
        **{name: {"allOf": [first[name], schema]} if name in first else schema for name, schema in second.items()},
    }


def _without_null(names: tuple[str, ...], schema: JsonObject) -> Union:
    keywords = dict(schema)
    types = keywords.pop("type", None)
    listed = list(types) if isinstance(types, list) else [] if types is None else [types]
    old_style = keywords.pop("nullable", False) is True
    nullable = not listed or "null" in listed or old_style
    values = [keywords["const"]] if "const" in keywords else keywords.get("enum")
    if isinstance(values, list):
        nullable = nullable and (None in values or old_style)
        if None in values:
            keywords.pop("const", None)
            keywords["enum"] = values = [value for value in values if value is not None]
    listed = [name for name in listed if name != "null"]
    if (types is not None and not listed) or values == []:
        return Union([], nullable, {})
    label = names[-1] if names else ""
    if not listed:
        return Union([Alternative(names, label or "any", keywords)], nullable, {})
    single = len(listed) == 1
    return Union(
        [
            Alternative(names, label if label and single else name, {**keywords, "type": name})
            for name in cast("list[str]", listed)
        ],
        nullable,
        {},
    )
