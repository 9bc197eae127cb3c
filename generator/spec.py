"""The spec: loading it, its fingerprint, and what it says beyond OpenAPI."""

from __future__ import annotations

import hashlib
import keyword
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, cast

import attrs
import yaml

from generator.failure import GenerationError

METHODS = ("get", "put", "post", "delete", "patch")
OTHER_METHODS = ("head", "options", "trace")
RETRIES = ("safe", "keyed", "unsafe")
REFUSALS = ("raise", "result")
EMPTIES = ("array", "object")
ROLES = ("read-only", "read-write", "admin")
MEDIA_TYPES = ("application/json", "text/plain")

JsonObject = Mapping[str, object]


@attrs.frozen
class OperationFacts:
    """What the spec says of one operation, beyond its arguments and answers."""

    id: str
    tag: str
    method: str
    path: str
    access: str
    media_type: str
    since: str
    until: str | None
    retry: str
    refusal: str
    long_poll: bool
    empty: Literal["array", "object"] | None


@attrs.frozen
class Spec:
    """A loaded spec.

    Attributes:
        path: the file.
        document: what it says.
        sha256: the fingerprint of its bytes.
        operations: the facts of each operation, by its id.
        refusals: the names of the schemas that are refusals.
    """

    path: Path
    document: JsonObject
    sha256: str
    operations: Mapping[str, OperationFacts]
    refusals: frozenset[str]


def load(path: Path) -> Spec:
    """Read a spec.

    Raises:
        GenerationError: the file is no YAML object, or an operation lacks an extension or its security, has one that
            is not legal, has a method or a media type that is not supported, or has the id of another one.
    """
    data = path.read_bytes()
    document = parse(path, data)
    problems = _unsupported(document)
    operations: dict[str, OperationFacts] = {}
    for method, where, operation in _operations(document):
        facts = _facts(document, method, where, operation, problems)
        if facts is None:
            continue
        if facts.id in operations:
            problems.append(f"{where}: operationId {facts.id!r} is used by {operations[facts.id].path} too")
        operations[facts.id] = facts
    if problems:
        raise GenerationError(problems)
    return Spec(path, document, hashlib.sha256(data).hexdigest(), operations, frozenset(_refusals(document)))


def schemas(document: JsonObject) -> Mapping[str, JsonObject]:
    """The component schemas, in the order of the document."""
    components = cast(JsonObject, document.get("components", {}))
    return cast(Mapping[str, JsonObject], components.get("schemas", {}))


def parse(path: Path, data: bytes) -> JsonObject:
    """The object that a YAML file holds.

    Args:
        path: its name, for errors.
        data: its bytes.

    Raises:
        GenerationError: it is no YAML, or no object.
    """
    try:
        document = yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise GenerationError([f"{path} is no YAML: {error}"]) from error
    if not isinstance(document, Mapping):
        raise GenerationError([f"{path} is no OpenAPI document: it is not an object"])
    return document


def _unsupported(document: JsonObject) -> list[str]:
    return [
        f"{method.upper()} {path}: the method is not supported; supported are {', '.join(METHODS)}"
        for path, item in cast(Mapping[str, JsonObject], document.get("paths", {})).items()
        for method in OTHER_METHODS
        if method in item
    ]


def _operations(document: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    for path, item in cast(Mapping[str, JsonObject], document.get("paths", {})).items():
        for method in METHODS:
            if method in item:
                yield method, path, cast(JsonObject, item[method])


def _facts(
    document: JsonObject, method: str, path: str, operation: JsonObject, problems: list[str]
) -> OperationFacts | None:
    where = f"{method.upper()} {path}"
    known = len(problems)
    _check_name(operation, where, problems)
    _check_extensions(operation, where, problems)
    access = _access(operation, where, problems)
    media_type = _media_type(document, operation, where, problems)
    if len(problems) > known:
        return None
    return OperationFacts(
        id=cast(str, operation["operationId"]),
        tag=cast("list[str]", operation["tags"])[0],
        method=method.upper(),
        path=path,
        access=access,
        media_type=media_type,
        since=cast(str, operation["x-queen-since"]),
        until=cast("str | None", operation.get("x-queen-until")),
        retry=cast(str, operation["x-queen-retry"]),
        refusal=cast(str, operation["x-queen-refusal"]),
        long_poll=cast(bool, operation.get("x-queen-long-poll", False)),
        empty=cast('Literal["array", "object"] | None', operation.get("x-queen-empty")),
    )


def _check_name(operation: JsonObject, where: str, problems: list[str]) -> None:
    name = operation.get("operationId")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        problems.append(f"{where}: operationId {name!r} is no function name in snake_case")
    tags = operation.get("tags")
    if not isinstance(tags, list) or len(tags) != 1:
        problems.append(f"{where}: exactly one tag is needed")


def _check_extensions(operation: JsonObject, where: str, problems: list[str]) -> None:
    _check(operation, "x-queen-since", None, where, problems)
    if "x-queen-until" in operation:
        _check(operation, "x-queen-until", None, where, problems)
    _check(operation, "x-queen-retry", RETRIES, where, problems)
    _check(operation, "x-queen-refusal", REFUSALS, where, problems)
    if "x-queen-empty" in operation:
        _check(operation, "x-queen-empty", EMPTIES, where, problems)
    if not isinstance(operation.get("x-queen-long-poll", False), bool):
        problems.append(f"{where}: x-queen-long-poll is not true or false")


def _access(operation: JsonObject, where: str, problems: list[str]) -> str:
    """``public``, or the role that the security requirement names."""
    security = operation.get("security")
    if security == []:
        return "public"
    for role in ROLES:
        # An empty requirement beside the other one says that there are servers without authentication.
        if security == [{}, {"bearer": [role]}]:
            return role
    shown = "missing" if security is None else repr(security)
    problems.append(f"{where}: security is {shown}; accepted are [] and [{{}}, {{bearer: [{' | '.join(ROLES)}]}}]")
    return ""


def _media_type(document: JsonObject, operation: JsonObject, where: str, problems: list[str]) -> str:
    """The one media type of all answers that are values."""
    responses = cast("Mapping[object, JsonObject]", operation.get("responses", {}))
    found = {
        media_type
        for status, response in responses.items()
        if str(status).startswith("2")
        for media_type in cast(JsonObject, resolved(document, response).get("content", {}))
    }
    if not found:
        return MEDIA_TYPES[0]
    if len(found) > 1 or not found <= set(MEDIA_TYPES):
        accepted = " or ".join(MEDIA_TYPES)
        problems.append(f"{where}: the answers are {', '.join(sorted(found))}; accepted is {accepted} for all of them")
    return found.pop()


def _check(operation: JsonObject, key: str, accepted: tuple[str, ...] | None, where: str, problems: list[str]) -> None:
    value = operation.get(key)
    if key not in operation:
        problems.append(f"{where}: {key} is missing")
    elif not isinstance(value, str):
        problems.append(f"{where}: {key} is {value!r}, which is no string; quote it")
    elif accepted is not None and value not in accepted:
        problems.append(f"{where}: {key} is {value!r}; accepted are {', '.join(accepted)}")


def _refusals(document: JsonObject) -> Iterator[str]:
    for name, schema in schemas(document).items():
        if schema.get("x-queen-refused") is True:
            yield name


def resolved(document: JsonObject, node: JsonObject) -> JsonObject:
    """A node, or what its ``$ref`` points to.

    Raises:
        GenerationError: it points to nothing in this document.
    """
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    found: object = document
    for part in reference.removeprefix("#/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise GenerationError([f"{reference} is not in the document"])
        found = found[name]
    return cast(JsonObject, found)
