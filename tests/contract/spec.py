"""The spec as tests need it: its operations, and validation against its schemas."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Set

import attrs
import jsonschema  # type: ignore[import-untyped,unused-ignore]
import yaml

PATH = Path(__file__).resolve().parents[2] / "openapi" / "queen.yaml"
DOCUMENT: Dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))

_METHODS = ("get", "post", "put", "delete", "patch")


@attrs.frozen
class Operation:
    """One operation, with its parameters and responses resolved."""

    method: str
    path: str
    raw: Dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.raw["operationId"])

    @property
    def responses(self) -> Dict[str, Dict[str, Any]]:
        return {status: resolved(response) for status, response in self.raw["responses"].items()}

    @property
    def parameters(self) -> List[Dict[str, Any]]:
        return [resolved(parameter) for parameter in self.raw.get("parameters", [])]

    def is_in(self, dialect: str) -> bool:
        """Whether a server of this dialect has it; the embedded one has all."""
        since, until = self.raw["x-queen-since"], self.raw.get("x-queen-until")
        return dialect in ("embedded", since, until) or (since == "0.7" and until is None)

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one of this operation."""
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path))
        return method == self.method and re.fullmatch(pattern, path.partition("?")[0]) is not None


def operations() -> List[Operation]:
    """All operations, those without path parameters first, as servers prefer them."""
    found = [
        Operation(method.upper(), path, item[method])
        for path, item in DOCUMENT["paths"].items()
        for method in _METHODS
        if method in item
    ]
    return sorted(found, key=lambda operation: operation.path.count("{"))


def resolved(node: Dict[str, Any]) -> Dict[str, Any]:
    """A node, or what its ``$ref`` points to."""
    if "$ref" not in node:
        return node
    target: Any = DOCUMENT
    for part in node["$ref"].split("/")[1:]:
        target = target[part]
    found: Dict[str, Any] = target
    return found


def violated(schema: Dict[str, Any], value: Any) -> Set[str]:
    """The keywords of a schema of the spec that a value does not satisfy."""
    return {str(error.validator) for error in _validator(schema).iter_errors(value)}


def invalid(schema: Dict[str, Any], value: Any, excused: Callable[[Any], bool] = lambda error: False) -> Optional[str]:
    """Why a value does not satisfy a schema of the spec; None when it does.

    Args:
        schema: the schema.
        value: the value.
        excused: whether an error of jsonschema is none.
    """
    errors = (error for error in _validator(schema).iter_errors(value) if not excused(error))
    error = jsonschema.exceptions.best_match(errors)
    return None if error is None else f"{error.json_path}: {error.message}"


def _validator(schema: Dict[str, Any]) -> Any:
    return jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
