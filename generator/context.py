"""What the templates are given: operations and models as plain text and lists."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

import attrs
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.model_property import ModelProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import snake_case

from generator.annotations import (
    TYPING_NAMES,
    annotation,
    is_nullable,
    is_scalar,
    is_text,
    json_kinds,
    names_in,
    union,
)
from generator.documentation import docstring, literal
from generator.failure import GenerationError
from generator.spec import JsonObject, OperationFacts

JsonText = str | UntrustedString | None


@attrs.frozen
class Argument:
    """One argument of an endpoint function.

    Attributes:
        name: its Python name.
        wire: its name on the wire.
        annotation: its type, without what a default adds.
        required: whether it must be given.
        unset: whether leaving it out and null are different things.
        description: from the spec.
    """

    name: str
    wire: str
    annotation: str
    required: bool
    unset: bool
    description: str

    @property
    def declaration(self) -> str:
        """Its text in the signature."""
        if self.required:
            return f"{self.name}: {self.annotation}"
        if self.unset:
            return f"{self.name}: Union[{self.annotation}, Unset] = UNSET"
        return f"{self.name}: {union([self.annotation, 'None'])} = None"


@attrs.frozen
class OperationContext:
    """One endpoint module."""

    facts: OperationFacts
    value: str
    kinds: Mapping[int, str]
    path: Sequence[str | Argument]
    query: Sequence[Argument]
    body: Sequence[Argument]
    has_body: bool
    docstring: str
    typing_names: Sequence[str]
    model_names: Sequence[str]
    runtime_names: Sequence[str]

    @property
    def target(self) -> str:
        """The expression that makes the finished path and query."""
        path = "".join(
            part if isinstance(part, str) else f"{{segment('{part.wire}', {part.name})}}" for part in self.path
        )
        text = f'"{path}"' if len(self.path) == 1 else f'f"{path}"'
        if not self.query:
            return text
        pairs = ", ".join(f'("{argument.wire}", {argument.name})' for argument in self.query)
        return f"{text} + query_string([{pairs}])"

    @property
    def arguments(self) -> Sequence[Argument]:
        """All arguments, the required ones first."""
        every = [part for part in self.path if isinstance(part, Argument)] + [*self.body, *self.query]
        return sorted(every, key=lambda argument: not argument.required)


@attrs.frozen
class Key:
    """One key of a TypedDict."""

    name: str
    annotation: str
    description: str

    @property
    def docstring(self) -> str:
        """Its description between the quotes below it."""
        return docstring([self.description])

    @property
    def fits_a_class(self) -> bool:
        """Whether it can stand in a class body."""
        return self.name.isidentifier() and not keyword.iskeyword(self.name)


@attrs.frozen
class ModelContext:
    """One TypedDict, or with ``alias`` a name for another type."""

    name: str
    docstring: str
    keys: Sequence[Key]
    alias: str | None = None

    @property
    def is_functional(self) -> bool:
        """Whether it is made by a call, because a key cannot stand in a class body."""
        return not all(key.fits_a_class for key in self.keys)


def operation_context(
    endpoint: Endpoint,
    facts: OperationFacts,
    raw: JsonObject,
    models: Mapping[str, ModelProperty],
    refusals: frozenset[str],
    declared: Mapping[str, JsonObject],
) -> OperationContext:
    """What the endpoint template needs to know of an operation.

    Args:
        endpoint: as parsed.
        facts: its extensions.
        raw: its part of the document, references to parameters and responses followed.
        models: the parsed object schemas, by name.
        refusals: the names of the schemas that are refusals.
        declared: the component schemas of the document.
    """
    described = _described_parameters(raw)
    path = _path(facts, endpoint, described)
    query = [_argument(prop, described.get(plain(prop.name))) for prop in endpoint.query_parameters]
    read = {part.wire for part in path if isinstance(part, Argument)} | {argument.wire for argument in query}
    if set(described) - read:
        raise GenerationError([f"{facts.id}: parameter {name} was dropped" for name in sorted(set(described) - read)])
    if endpoint.header_parameters or endpoint.cookie_parameters:
        raise GenerationError([f"{facts.id}: header and cookie parameters are not supported"])
    _check_parameters(endpoint, facts)
    body = _body(endpoint, models, declared)
    successes = _successes(endpoint, facts)
    value = union(member for prop in successes.values() for member in _value_members(prop, facts, refusals))
    every = [part for part in path if isinstance(part, Argument)] + [*body, *query]
    names = names_in([value, *(argument.declaration.split(" = ")[0] for argument in every)])
    has_body = bool(endpoint.bodies)
    return OperationContext(
        facts=facts,
        value=value,
        kinds={status: _kinds(prop) for status, prop in successes.items()},
        path=path,
        query=query,
        body=body,
        has_body=has_body,
        docstring=_operation_docstring(endpoint, raw, every),
        typing_names=sorted((names | ({"Dict"} if has_body else set())) & set(TYPING_NAMES)),
        model_names=sorted(names & set(models)),
        runtime_names=sorted(_runtime_names(names, path, query), key=str.lower),
    )


def _runtime_names(names: AbstractSet[str], path: Sequence[str | Argument], query: Sequence[Argument]) -> Iterator[str]:
    """What an endpoint takes from ``request.py``, by the names in its annotations and by its arguments."""
    yield from ("Answers", "Request")
    yield from (name for name in ("JsonValue", "Unset") if name in names)
    if "Unset" in names:
        yield "UNSET"
    if any(isinstance(part, Argument) for part in path):
        yield "segment"
    if query:
        yield "query_string"


def model_context(name: str, prop: PropertyProtocol, raw: JsonObject) -> ModelContext:
    """What the models template needs to know of a component schema."""
    description, example = str(raw.get("description", f"{name} on the wire.")), _example(raw)
    alias = _alias(prop)
    if alias is not None or not isinstance(prop, ModelProperty):
        return ModelContext(name, docstring([description], example=example), [], alias)
    by_wire = {
        plain(item.name): item for item in [*(prop.required_properties or []), *(prop.optional_properties or [])]
    }
    described = _described_properties(raw)
    order = [key for key in _properties(raw) if key in by_wire] or list(by_wire)
    keys = [_key(by_wire[key], described.get(key)) for key in order]
    # There is no place below a key where the TypedDict is made by a call.
    apart = [] if all(key.fits_a_class for key in keys) else [("Keys", [(key.name, key.description) for key in keys])]
    return ModelContext(name, docstring([description], apart, example), keys)


def _alias(prop: PropertyProtocol) -> str | None:
    """The type that a schema is a name for; None where it has keys of its own."""
    if not isinstance(prop, ModelProperty):
        return annotation(prop)
    if prop.required_properties or prop.optional_properties or prop.additional_properties is None:
        return None
    return f"Dict[str, {annotation(prop.additional_properties)}]"


def plain(text: JsonText) -> str:
    """A string of the spec as it is; whoever puts it into code quotes it."""
    if text is None:
        return ""
    return text.get_untrusted_value() if isinstance(text, UntrustedString) else text


def _properties(raw: JsonObject) -> Mapping[str, JsonObject]:
    return cast("Mapping[str, JsonObject]", raw.get("properties", {}))


def _described_properties(raw: JsonObject) -> dict[str, str]:
    """The descriptions beside references, for which the parser takes those of what they refer to, and all others."""
    return {key: str(field["description"]) for key, field in _properties(raw).items() if "description" in field}


def _example(raw: JsonObject) -> str | None:
    return literal(raw["example"]) if "example" in raw else None


def _key(prop: PropertyProtocol, description: str | None) -> Key:
    text = annotation(prop)
    return Key(
        plain(prop.name),
        text if prop.required else f"NotRequired[{text}]",
        plain(prop.description) if description is None else description,
    )


def _described_parameters(raw: JsonObject) -> dict[str, str]:
    """The descriptions of the parameters, which the parser leaves out."""
    listed = raw.get("parameters")
    parameters = [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    return {str(entry["name"]): str(entry.get("description", "")) for entry in parameters}


def _argument(prop: PropertyProtocol, description: str | None) -> Argument:
    wire = plain(prop.name)
    name = snake_case(wire)
    return Argument(
        name=f"{name}_" if keyword.iskeyword(name) else str(name),
        wire=wire,
        annotation=annotation(prop),
        required=prop.required,
        unset=not prop.required and is_nullable(prop),
        description=description if description is not None else plain(prop.description),
    )


def _check_parameters(endpoint: Endpoint, facts: OperationFacts) -> None:
    problems = [
        f"{facts.id}: parameter {plain(prop.name)} is not text, which is all that a path holds"
        for prop in endpoint.path_parameters
        if not is_text(prop)
    ]
    problems += [
        f"{facts.id}: parameter {plain(prop.name)} is no string, number or boolean, which is all that a query holds"
        for prop in endpoint.query_parameters
        if not is_scalar(prop)
    ]
    if problems:
        raise GenerationError(problems)


def _path(facts: OperationFacts, endpoint: Endpoint, described: Mapping[str, str]) -> list[str | Argument]:
    parameters = {plain(prop.name): prop for prop in endpoint.path_parameters}
    by_wire = {name: _argument(prop, described.get(name)) for name, prop in parameters.items()}
    parts: list[str | Argument] = []
    rest = facts.path
    while rest:
        literal, opened, rest = rest.partition("{")
        if literal:
            parts.append(literal)
        if opened:
            name, _, rest = rest.partition("}")
            if name not in by_wire:
                raise GenerationError([f"{facts.id}: the path names {{{name}}}, which is no parameter"])
            parts.append(by_wire[name])
    return parts


def _body(
    endpoint: Endpoint, models: Mapping[str, ModelProperty], declared: Mapping[str, JsonObject]
) -> list[Argument]:
    arguments: list[Argument] = []
    for body in endpoint.bodies:
        if not isinstance(body.prop, ModelProperty):
            raise GenerationError([f"{endpoint.name}: a request body must be an object with properties"])
        # Models inside other schemas are copies without properties: the one of this name has them.
        name = str(body.prop.class_info.name)
        model, described = models[name], _described_properties(declared[name])
        arguments += [
            _argument(prop, described.get(plain(prop.name)))
            for prop in [*(model.required_properties or []), *(model.optional_properties or [])]
        ]
    return arguments


def _successes(endpoint: Endpoint, facts: OperationFacts) -> dict[int, PropertyProtocol]:
    found: dict[int, PropertyProtocol] = {}
    for response in endpoint.responses:
        status = response.status_code.range
        if status is not None and status[0] == status[1] and 200 <= status[0] < 300:
            found[status[0]] = response.prop
    if not found:
        raise GenerationError([f"{endpoint.name}: no 2xx response is declared"])
    if facts.media_type.startswith("text/") and not all(is_text(prop) or _is_empty(prop) for prop in found.values()):
        raise GenerationError([f"{facts.id}: an answer of {facts.media_type} is a string, and can be nothing else"])
    return found


def _value_members(prop: PropertyProtocol, facts: OperationFacts, refusals: frozenset[str]) -> list[str]:
    if facts.empty is None and not isinstance(prop, (UnionProperty, ListProperty, ModelProperty)) and _is_empty(prop):
        return ["None"]
    members = prop.inner_properties if isinstance(prop, UnionProperty) else [prop]
    texts = [annotation(member) for member in members]
    if facts.refusal == "raise":
        texts = [text for text in texts if text not in refusals]
    return texts


def _is_empty(prop: PropertyProtocol) -> bool:
    # openapi-python-client makes a response without content an "any" of this name.
    return isinstance(prop, NoneProperty) or plain(prop.name).startswith("response_204")


def _kinds(prop: PropertyProtocol) -> str:
    kinds = ["type(None)"] if _is_empty(prop) else json_kinds(prop)
    return f"({kinds[0]},)" if len(kinds) == 1 else f"({', '.join(kinds)})"


def _operation_docstring(endpoint: Endpoint, raw: JsonObject, arguments: Sequence[Argument]) -> str:
    statuses = raw.get("responses")
    errors = [
        (str(status), str(response.get("description", "")))
        for status, response in (statuses.items() if isinstance(statuses, Mapping) else ())
        if not str(status).startswith("2") and isinstance(response, Mapping)
    ]
    entries = [(argument.name, argument.description) for argument in arguments]
    return docstring([plain(endpoint.summary), plain(endpoint.description)], [("Args", entries), ("Errors", errors)])
