"""Two specs compared, operation by operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import attrs

from generator.diff.bodies import request_body_changes, response_changes
from generator.diff.change import ABSENT, Change, OperationChanges, documentation, unjudged
from generator.diff.effects import BOTH, CALLERS, Direction
from generator.diff.facts import fact_changes, shape
from generator.diff.parameters import names_in, parameter_changes, parameters
from generator.diff.schemas import SchemaComparison
from generator.diff.security import security_changes
from generator.spec import JsonObject, OperationFacts, Spec
from generator.spec import schemas as component_schemas

_COMPARED = (
    "operationId",
    "tags",
    "parameters",
    "requestBody",
    "responses",
    "security",
    "x-queen-since",
    "x-queen-until",
    "x-queen-retry",
    "x-queen-refusal",
    "x-queen-empty",
    "x-queen-long-poll",
)
_WORDS_OF_A_DOCUMENT = ("openapi", "info", "servers", "tags", "externalDocs")


@attrs.frozen
class _Operation:
    document: JsonObject
    facts: OperationFacts

    @property
    def item(self) -> JsonObject:
        return cast("Mapping[str, JsonObject]", self.document["paths"])[self.facts.path]

    @property
    def node(self) -> JsonObject:
        return cast(JsonObject, self.item[self.facts.method.lower()])


def compare(old: Spec, new: Spec) -> list[OperationChanges]:
    """What changed from one spec to another.

    Returns:
        The operations that changed, in the order of the old spec, then those that are new; at the end what belongs to
        no operation.

    Raises:
        GenerationError: a schema is made of itself, or a role is none.
    """
    before, after = _operations(old), _operations(new)
    counterparts = _counterparts(before, after)
    known = {counterpart.facts.id for counterpart in counterparts.values()}
    found = [
        _listed(operation, _operation_changes(operation, counterparts.get(operation.facts.id))) for operation in before
    ]
    found += [
        _listed(operation, [Change("", "operation", ABSENT, operation.facts.id)])
        for operation in after
        if operation.facts.id not in known
    ]
    found.append(OperationChanges(None, None, None, list(_document_changes(old, new))))
    return [operation for operation in found if operation.changes]


def _operations(spec: Spec) -> list[_Operation]:
    return [_Operation(spec.document, facts) for facts in spec.operations.values()]


def _listed(operation: _Operation, changes: Sequence[Change]) -> OperationChanges:
    facts = operation.facts
    return OperationChanges(facts.id, facts.method, facts.path, changes)


def _counterparts(before: Sequence[_Operation], after: Sequence[_Operation]) -> Mapping[str, _Operation]:
    """The new one for each old operation that there still is, by its old id: by its id, else by its address."""
    by_id = {operation.facts.id: operation for operation in after}
    found = {operation.facts.id: by_id[operation.facts.id] for operation in before if operation.facts.id in by_id}
    by_address = {_address(operation): operation for operation in after if operation.facts.id not in found}
    for operation in before:
        if operation.facts.id not in found and _address(operation) in by_address:
            found[operation.facts.id] = by_address[_address(operation)]
    return found


def _address(operation: _Operation) -> tuple[str, str]:
    return operation.facts.method, shape(operation.facts.path)


def _operation_changes(old: _Operation, new: _Operation | None) -> list[Change]:
    if new is None:
        return [Change("", "operation", old.facts.id, ABSENT, CALLERS)]
    requests = SchemaComparison(old.document, new.document, Direction.REQUEST)
    responses = SchemaComparison(old.document, new.document, Direction.RESPONSE)
    renamed: Mapping[str, str] = {}
    if shape(old.facts.path) == shape(new.facts.path):
        renamed = dict(zip(names_in(old.facts.path), names_in(new.facts.path), strict=True))
    return [
        *fact_changes(old.facts, new.facts),
        *security_changes((old.document, old.node), (new.document, new.node)),
        *parameter_changes(
            requests,
            parameters(old.document, old.item, old.node),
            parameters(new.document, new.item, new.node),
            renamed,
        ),
        *request_body_changes(requests, old.node, new.node),
        *response_changes(responses, old.node, new.node),
        *unjudged("", old.node, new.node, _COMPARED),
        *documentation("", old.node, new.node),
    ]


def _document_changes(old: Spec, new: Spec) -> Iterator[Change]:
    # The name of a schema is the name of a type, whatever becomes of where it was used.
    before, after = component_schemas(old.document), component_schemas(new.document)
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Change("", "type", name, ABSENT, CALLERS)
        elif name not in before:
            yield Change("", "type", ABSENT, name)
    was, now = _security_schemes(old), _security_schemes(new)
    for name in [*was, *(name for name in now if name not in was)]:
        if name not in now:
            yield Change("", "security scheme", name, ABSENT, BOTH)
        elif name not in was:
            yield Change("", "security scheme", ABSENT, name)
        else:
            yield from unjudged(f"security scheme {name}", was[name], now[name], ())
            yield from documentation(f"security scheme {name}", was[name], now[name])
    yield from documentation("document", old.document, new.document, _WORDS_OF_A_DOCUMENT)


def _security_schemes(spec: Spec) -> Mapping[str, JsonObject]:
    components = cast(JsonObject, spec.document.get("components", {}))
    return cast("Mapping[str, JsonObject]", components.get("securitySchemes", {}))
