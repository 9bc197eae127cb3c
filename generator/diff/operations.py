"""Two documents compared, operation by operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from generator.diff.bodies import request_body_changes, response_changes
from generator.diff.change import ABSENT, Change, OperationChanges, documentation, unjudged
from generator.diff.effects import BOTH, CALLERS, Direction
from generator.diff.facts import fact_changes
from generator.diff.operation import Operation, operations
from generator.diff.parameters import names_in, parameter_changes, parameters
from generator.diff.schemas import SchemaComparison
from generator.diff.security import security_changes
from generator.spec import JsonObject, schemas

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


def compare(old: JsonObject, new: JsonObject) -> list[OperationChanges]:
    """What changed from one document to another.

    Returns:
        The operations that changed, in the order of the old document, then those that are new; at the end what belongs
        to no operation.

    Raises:
        GenerationError: a schema is made of itself.
    """
    before, after = operations(old), operations(new)
    counterparts = _counterparts(before, after)
    found = [_listed(operation, _operation_changes(operation, counterparts.get(operation.id))) for operation in before]
    known = {counterpart.id for counterpart in counterparts.values()}
    found += [
        _listed(operation, [Change("", "operation", ABSENT, operation.id)])
        for operation in after
        if operation.id not in known
    ]
    found.append(OperationChanges(None, None, None, list(_document_changes(old, new))))
    return [operation for operation in found if operation.changes]


def _listed(operation: Operation, changes: Sequence[Change]) -> OperationChanges:
    return OperationChanges(operation.id, operation.method, operation.path, changes)


def _counterparts(before: Sequence[Operation], after: Sequence[Operation]) -> Mapping[str, Operation]:
    """The new one for each old operation that there still is, by its old id: by its id, else by its address."""
    by_id = {operation.id: operation for operation in after}
    found = {operation.id: by_id[operation.id] for operation in before if operation.id in by_id}
    by_address = {operation.address: operation for operation in after if operation.id not in found}
    for operation in before:
        if operation.id not in found and operation.address in by_address:
            found[operation.id] = by_address[operation.address]
    return found


def _operation_changes(old: Operation, new: Operation | None) -> list[Change]:
    if new is None:
        return [Change("", "operation", old.id, ABSENT, CALLERS)]
    requests = SchemaComparison(old.document, new.document, Direction.REQUEST)
    responses = SchemaComparison(old.document, new.document, Direction.RESPONSE)
    renamed: Mapping[str, str] = {}
    if old.address[1] == new.address[1]:
        renamed = dict(zip(names_in(old.path), names_in(new.path), strict=True))
    return [
        *fact_changes(old, new),
        *security_changes(old, new),
        *parameter_changes(requests, parameters(old), parameters(new), renamed),
        *request_body_changes(requests, old.node, new.node),
        *response_changes(responses, old.node, new.node),
        *unjudged("", old.node, new.node, _COMPARED),
        *documentation("", old.node, new.node),
    ]


def _document_changes(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    # The name of a schema is the name of a type, whatever becomes of where it was used.
    before, after = schemas(old), schemas(new)
    for name in {**before, **after}:
        if name not in after:
            yield Change("", "type", name, ABSENT, CALLERS)
        elif name not in before:
            yield Change("", "type", ABSENT, name)
    was, now = _security_schemes(old), _security_schemes(new)
    for name in {**was, **now}:
        if name not in now:
            yield Change("", "security scheme", name, ABSENT, BOTH)
        elif name not in was:
            yield Change("", "security scheme", ABSENT, name)
        else:
            yield from unjudged(f"security scheme {name}", was[name], now[name], ())
            yield from documentation(f"security scheme {name}", was[name], now[name])
    yield from documentation("document", old, new, _WORDS_OF_A_DOCUMENT)


def _security_schemes(document: JsonObject) -> Mapping[str, JsonObject]:
    components = cast(JsonObject, document.get("components", {}))
    return cast("Mapping[str, JsonObject]", components.get("securitySchemes", {}))
