"""Values inside a message, by dotted paths such as ``data.userId`` or ``data.items.0.price``."""

from __future__ import annotations

from typing import Mapping


def value_at(message: object, path: str) -> object:
    """The value at a path; None where there is none."""
    value = message
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def copied(value: object) -> object:
    """A copy of a JSON value that shares nothing with it that can be changed."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
