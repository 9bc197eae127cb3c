"""Bodies: what is sent with a request, and what is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from generator.diff.change import ABSENT, Change, documentation, presence, presence_change, unjudged
from generator.diff.effects import BOTH, CALLERS, NOBODY, SERVERS, Direction, Effect, broken
from generator.diff.schemas import SchemaComparison
from generator.spec import JsonObject, resolved

_JSON = "application/json"


def request_body_changes(schemas: SchemaComparison, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """What changed in the request body, between two operations."""
    where = "request body"
    before = resolved(schemas.old, cast(JsonObject, old.get("requestBody", {})))
    after = resolved(schemas.new, cast(JsonObject, new.get("requestBody", {})))
    was, now = before.get("required") is True, after.get("required") is True
    if not before and not after:
        return
    if not after:
        yield Change(where, "request body", presence(was), ABSENT, BOTH if was else CALLERS)
        return
    if not before:
        yield Change(where, "request body", ABSENT, presence(now), CALLERS if now else NOBODY)
        return
    yield from presence_change(where, "request body", was, now, Direction.REQUEST)
    yield from _content(schemas, where, before, after)
    yield from unjudged(where, before, after, ("required", "content"))
    yield from documentation(where, before, after)


def response_changes(schemas: SchemaComparison, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """What changed in the answers, between two operations."""
    before, after = _responses(schemas.old, old), _responses(schemas.new, new)
    for status in {**before, **after}:
        where = f"response {status}"
        # Callers raise every failure alike, whether they were told of its status or not.
        value = status.startswith("2") or status == "default"
        if status not in after:
            yield Change(where, "response", status, ABSENT, SERVERS if value else NOBODY)
        elif status not in before:
            yield Change(where, "response", ABSENT, status, CALLERS if value else NOBODY)
        else:
            yield from _response(schemas, where, before[status], after[status])


def _response(schemas: SchemaComparison, where: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    yield from _content(schemas, where, old, new)
    yield from schemas.changes(f"{where} headers", _as_schema(schemas.old, old), _as_schema(schemas.new, new))
    yield from documentation(where, old, new, ("description", "links"))
    yield from unjudged(where, old, new, ("content", "headers", "links"))


def _content(schemas: SchemaComparison, where: str, old: JsonObject, new: JsonObject) -> Iterator[Change]:
    before, after = _mapping(old, "content"), _mapping(new, "content")
    for media in {**before, **after}:
        if media not in after:
            yield Change(where, "content type", media, ABSENT, broken(Effect.NARROWER, schemas.direction))
        elif media not in before:
            yield Change(where, "content type", ABSENT, media, broken(Effect.WIDER, schemas.direction))
        else:
            place = where if media == _JSON else f"{where} {media}"
            one, other = before[media], after[media]
            yield from schemas.changes(place, one.get("schema", {}), other.get("schema", {}))
            yield from unjudged(place, one, other, ("schema",))
            yield from documentation(place, one, other)


def _responses(document: JsonObject, operation: JsonObject) -> Mapping[str, JsonObject]:
    return {str(status): resolved(document, node) for status, node in _mapping(operation, "responses").items()}


def _as_schema(document: JsonObject, response: JsonObject) -> JsonObject:
    """Headers are what the properties of an object are, and their case says nothing."""
    headers = {name.lower(): resolved(document, header) for name, header in _mapping(response, "headers").items()}
    return {
        "type": "object",
        "properties": {name: header.get("schema", {}) for name, header in headers.items()},
        "required": [name for name, header in headers.items() if header.get("required") is True],
    }


def _mapping(node: JsonObject, key: str) -> Mapping[str, JsonObject]:
    return cast("Mapping[str, JsonObject]", node.get(key, {}))
