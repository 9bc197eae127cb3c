"""The operations of a document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import attrs

from generator.spec import METHODS, OTHER_METHODS, JsonObject


@attrs.frozen
class Operation:
    """One operation.

    Attributes:
        document: the document that it is of.
        method: the HTTP method, in capitals.
        path: its path, with its parameters in braces.
    """

    document: JsonObject
    method: str
    path: str

    @property
    def item(self) -> JsonObject:
        """What the document says of its path."""
        return cast("Mapping[str, JsonObject]", self.document["paths"])[self.path]

    @property
    def node(self) -> JsonObject:
        """What the document says of it."""
        return cast(JsonObject, self.item[self.method.lower()])

    @property
    def id(self) -> str:
        """Its id, or where it is when it has none."""
        return cast(str, self.node.get("operationId", f"{self.method} {self.path}"))

    @property
    def address(self) -> tuple[str, str]:
        """Its method, and its path without the names of the parameters, which no request carries."""
        return self.method, re.sub(r"\{[^}]*\}", "{}", self.path)


def operations(document: JsonObject) -> list[Operation]:
    """All operations, in the order of the document."""
    return [
        Operation(document, method.upper(), path)
        for path, item in cast("Mapping[str, JsonObject]", document.get("paths", {})).items()
        for method in (*METHODS, *OTHER_METHODS)
        if method in item
    ]
