"""Schemas, compared field by field down to the leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import attrs

from generator.diff.change import ABSENT, Change, documentation, presence, presence_change
from generator.diff.effects import BOTH, CALLERS, NOBODY, SERVERS, Direction, Effect, Side, broken
from generator.diff.keywords import keyword_changes, type_change, types
from generator.diff.normalization import Alternative, Union, normalized
from generator.spec import JsonObject

_OBJECT_KEYWORDS = frozenset(["properties", "required", "additionalProperties"])


@attrs.frozen
class SchemaComparison:
    """Compares schemas of two documents.

    Attributes:
        old: the old document.
        new: the new document.
        direction: who sends the values.
        within: the pairs of named schemas that are being compared, so that recursive ones come to an end.
    """

    old: JsonObject
    new: JsonObject
    direction: Direction
    within: frozenset[tuple[tuple[str, ...], tuple[str, ...]]] = frozenset()

    def changes(self, where: str, old: object, new: object) -> Iterator[Change]:
        """What changed between two schemas, at a place.

        Raises:
            GenerationError: a schema is made of itself.
        """
        before, after = normalized(self.old, old), normalized(self.new, new)
        if before.nullable != after.nullable and not (before.unrestricted or after.unrestricted):
            effect = Effect.WIDER if after.nullable else Effect.NARROWER
            yield Change(where, "nullable", before.nullable, after.nullable, broken(effect, self.direction))
        yield from documentation(where, before.documentation, after.documentation)
        pairs, removed, added = _paired(before, after)
        several = len(before.alternatives) > 1 or len(after.alternatives) > 1
        for one, other in pairs:
            yield from _alternative_changes(self, f"{where}<{other.label}>" if several else where, one, other)
        for alternative in removed:
            yield Change(where, "alternative", alternative.label, ABSENT, broken(Effect.NARROWER, self.direction))
        for alternative in added:
            yield Change(where, "alternative", ABSENT, alternative.label, broken(Effect.WIDER, self.direction))


def _alternative_changes(schemas: SchemaComparison, where: str, old: Alternative, new: Alternative) -> Iterator[Change]:
    names = (old.names, new.names)
    if all(names) and names in schemas.within:
        return
    inner = attrs.evolve(schemas, within=schemas.within | {names})
    effect, changes = type_change(where, old.keywords, new.keywords, schemas.direction)
    yield from changes
    if effect is Effect.DIFFERENT or (effect is not Effect.SAME and None in (types(old.keywords), types(new.keywords))):
        # No keyword of the one says anything of the other.
        return
    yield from keyword_changes(where, old.keywords, new.keywords, schemas.direction)
    if _OBJECT_KEYWORDS & {*old.keywords, *new.keywords}:
        yield from _property_changes(inner, where, old.keywords, new.keywords)
        yield from _additional_changes(inner, where, old.keywords, new.keywords)
    if "items" in old.keywords or "items" in new.keywords:
        yield from inner.changes(f"{where}[]", old.keywords.get("items", {}), new.keywords.get("items", {}))


def _property_changes(schemas: SchemaComparison, where: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    before, after = _properties(old), _properties(new)
    demanded, demands = _required(old), _required(new)
    for name in {**before, **after}:
        place = f"{where}.{name}"
        was, now = name in demanded, name in demands
        if name not in after:
            yield Change(place, "property", presence(was), ABSENT, _removed_property(schemas.direction, was))
        elif name not in before:
            closed = old.get("additionalProperties") is False
            yield Change(place, "property", ABSENT, presence(now), _added_property(schemas.direction, now, closed))
        else:
            yield from presence_change(place, "property", was, now, schemas.direction)
            yield from schemas.changes(place, before[name], after[name])


def _removed_property(direction: Direction, required: bool) -> tuple[Side, ...]:
    # Servers that demand it still do.
    return BOTH if required and direction is Direction.REQUEST else CALLERS


def _added_property(direction: Direction, required: bool, closed: bool) -> tuple[Side, ...]:
    if direction is Direction.RESPONSE:
        # Callers pass over keys that they do not know.
        return SERVERS if required else NOBODY
    return (*(CALLERS if required else NOBODY), *(SERVERS if closed else NOBODY))


def _additional_changes(schemas: SchemaComparison, where: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    before, after = _additional(old), _additional(new)
    if not isinstance(before, bool) and not isinstance(after, bool):
        yield from schemas.changes(f"{where}.*", before, after)
    elif before != after:
        effect = Effect.NARROWER if before is True or after is False else Effect.WIDER
        ignored = isinstance(before, bool) and isinstance(after, bool) and schemas.direction is Direction.RESPONSE
        yield Change(
            where,
            "additionalProperties",
            old.get("additionalProperties", ABSENT),
            new.get("additionalProperties", ABSENT),
            NOBODY if ignored else broken(effect, schemas.direction),
        )


def _paired(
    old: Union, new: Union
) -> tuple[list[tuple[Alternative, Alternative]], Sequence[Alternative], Sequence[Alternative]]:
    """The alternatives that stand for each other, those removed and those added.

    By name, then by what they say, then by type; what is left over once on each side is the same one, changed.
    """
    pairs: list[tuple[Alternative, Alternative]] = []
    before, after = list(old.alternatives), list(new.alternatives)
    for same in (_named_alike, _worded_alike, _typed_alike):
        for one in list(before):
            other = next((candidate for candidate in after if same(one, candidate)), None)
            if other is not None:
                pairs.append((one, other))
                before.remove(one)
                after.remove(other)
    if len(before) == len(after) == 1:
        pairs.append((before.pop(), after.pop()))
    order = list(new.alternatives)
    return sorted(pairs, key=lambda pair: order.index(pair[1])), before, after


def _named_alike(one: Alternative, other: Alternative) -> bool:
    return one.label == other.label and one.label in one.names and other.label in other.names


def _worded_alike(one: Alternative, other: Alternative) -> bool:
    return one.keywords == other.keywords


def _typed_alike(one: Alternative, other: Alternative) -> bool:
    return one.keywords.get("type") == other.keywords.get("type")


def _properties(schema: JsonObject) -> JsonObject:
    declared = cast(JsonObject, schema.get("properties", {}))
    return {**declared, **{name: {} for name in _required(schema) if name not in declared}}


def _required(schema: JsonObject) -> Sequence[str]:
    return cast("Sequence[str]", schema.get("required", ()))


def _additional(schema: JsonObject) -> object:
    found = schema.get("additionalProperties", True)
    return True if found == {} else found
