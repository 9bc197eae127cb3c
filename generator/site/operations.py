"""What the pages of the wire say of each operation, read from the spec."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import attrs

from generator.spec import JsonObject, OperationFacts, Spec, resolved, schemas

_REFERENCE = "#/components/schemas/"


@attrs.frozen
class Field:
    """A parameter, or a key of a body.

    Attributes:
        name: as it is on the wire.
        place: ``path``, ``query`` or ``body``.
        kind: its type, for people.
        required: whether it must be given.
        description: what it means.
    """

    name: str
    place: str
    kind: str
    required: bool
    description: str


@attrs.frozen
class Shape:
    """A named type of the wire: its name in ``queen_api.models``, its type in words, what it is, and its keys."""

    name: str
    kind: str
    description: str
    fields: Sequence[Field]


@attrs.frozen
class Answer:
    """An answer: its status, the shapes it may have, what it means, and one that a server gave, as JSON or text."""

    status: str
    shapes: Sequence[str]
    description: str
    example: str | None


@attrs.frozen
class Operation:
    """One operation, as its section shows it.

    Attributes:
        facts: what the transport knows of it.
        summary: what it does, in a line.
        description: what there is to know.
        parameters: those of the path and the query.
        body: the objects of the request's body, the body itself first.
        request: an example of the body, as JSON.
        answers: the answers, by status.
        follows: the operations that take what it answers, with why.
    """

    facts: OperationFacts
    summary: str
    description: str
    parameters: Sequence[Field]
    body: Sequence[Shape]
    request: str | None
    answers: Sequence[Answer]
    follows: Mapping[str, str]

    @property
    def servers(self) -> str:
        """The servers that have it, in words."""
        if self.facts.until is not None:
            return f"server {self.facts.until} and before"
        return "every server" if self.facts.since == "0.7" else f"server {self.facts.since} and later"


def operations(spec: Spec) -> Iterator[Operation]:
    """All operations, in the order of the spec."""
    paths = cast(Mapping[str, JsonObject], spec.document["paths"])
    for facts in spec.operations.values():
        said = cast(JsonObject, paths[facts.path][facts.method.lower()])
        answers = {
            str(status): resolved(spec.document, answer)
            for status, answer in cast(Mapping[object, JsonObject], said["responses"]).items()
        }
        request = cast(JsonObject, said.get("requestBody", {}))
        yield Operation(
            facts,
            summary=_text(said, "summary"),
            description=_text(said, "description"),
            parameters=[_parameter(resolved(spec.document, node)) for node in _list(said, "parameters")],
            body=list(_shapes(spec.document, _content(request).get("schema", {}), set())),
            request=_example(_content(request)),
            answers=[_answer(status, answer) for status, answer in answers.items()],
            follows=_follows(answers.values()),
        )


def shapes(spec: Spec) -> Iterator[Shape]:
    """All named types, by name."""
    for name, schema in sorted(schemas(spec.document).items()):
        yield _shape(name, schema)


def _parameter(node: JsonObject) -> Field:
    return Field(
        name=_text(node, "name"),
        place=_text(node, "in"),
        kind=_kind(cast(JsonObject, node["schema"])),
        required=bool(node.get("required")),
        description=_text(node, "description"),
    )


def _shapes(document: JsonObject, node: object, seen: set[str]) -> Iterator[Shape]:
    """The named objects that a schema holds, outer ones first, each once."""
    if isinstance(node, list):
        for part in node:
            yield from _shapes(document, part, seen)
    if not isinstance(node, Mapping):
        return
    reference = node.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix(_REFERENCE)
        if name in seen:
            return
        seen.add(name)
        schema = schemas(document)[name]
        if "properties" in schema:
            yield _shape(name, schema)
        yield from _shapes(document, schema, seen)
        return
    properties = cast("Mapping[str, object]", node.get("properties", {}))
    for held in (list(properties.values()), node.get("items"), node.get("anyOf")):
        yield from _shapes(document, held, seen)


def _shape(name: str, schema: JsonObject) -> Shape:
    return Shape(name, _kind(schema), _text(schema, "description"), list(_keys(schema)))


def _keys(schema: JsonObject) -> Iterator[Field]:
    required = cast("list[str]", schema.get("required", []))
    for name, node in cast(Mapping[str, JsonObject], schema.get("properties", {})).items():
        yield Field(name, "body", _kind(node), name in required, _text(node, "description"))


def _kind(schema: JsonObject) -> str:
    """The type that a schema says, in words; a named one is a link to the page of shapes."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_REFERENCE)
        return f"[`{name}`](shapes.md#{name})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        values = [f"`{json.dumps(value)}`" for value in _list(schema, "enum")]
        return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in _list(schema, "anyOf"))
    kind = schema.get("type", "any JSON")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if words == "array":
        words = f"list of {_kind(cast(JsonObject, schema.get('items', {})))}"
    if "minimum" in schema:
        words += f", at least {schema['minimum']}"
    if "maxLength" in schema:
        words += f", at most {schema['maxLength']} characters"
    if "default" in schema:
        words += f", default `{json.dumps(schema['default'])}`"
    return words


def _answer(status: str, answer: JsonObject) -> Answer:
    schema = cast(JsonObject, _content(answer).get("schema", {}))
    shapes = cast("list[JsonObject]", schema.get("anyOf", [schema] if schema else []))
    return Answer(status, [_kind(shape) for shape in shapes], _text(answer, "description"), _example(_content(answer)))


def _follows(answers: Iterable[JsonObject]) -> Mapping[str, str]:
    follows: dict[str, str] = {}
    for answer in answers:
        for link in cast("Mapping[str, JsonObject]", answer.get("links", {})).values():
            follows.setdefault(_text(link, "operationId"), _text(link, "description"))
    return follows


def _content(node: JsonObject) -> JsonObject:
    """What is said of the one media type of a body or an answer."""
    content = cast(Mapping[str, JsonObject], node.get("content", {}))
    return next(iter(content.values()), {})


def _example(content: JsonObject) -> str | None:
    if "example" not in content:
        return None
    example = content["example"]
    return example.rstrip() if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)


def _list(node: JsonObject, key: str) -> list[JsonObject]:
    return cast("list[JsonObject]", node.get(key, []))


def _text(node: JsonObject, key: str) -> str:
    return str(node.get(key, "")).strip()
