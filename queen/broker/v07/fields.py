"""Fields of a body, read as the JSON library of server 0.7 reads them: a wrong type is refused in its words."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, cast

from typing_extensions import Final

from queen.broker.failures import DirectRefusalError

_INTEGERS: Final = 2**32


def refusal(text: str) -> DirectRefusalError:
    """A refusal in these words."""
    return DirectRefusalError(200, text)


def mistyped(wanted: str, value: object) -> DirectRefusalError:
    """A value of another type than the one that is wanted."""
    return refusal(f"[json.exception.type_error.302] type must be {wanted}, but is {_kind(value)}")


def object_of(value: object) -> Dict[str, object]:
    """A value that must be an object.

    Raises:
        DirectRefusalError: it is none.
    """
    if not isinstance(value, dict):
        raise refusal(f"[json.exception.type_error.306] cannot use value() with {_kind(value)}")
    return cast("Dict[str, object]", value)


def text(fields: Mapping[str, object], key: str, default: str) -> str:
    """A text; the default where there is no such key.

    Raises:
        DirectRefusalError: another type, null too.
    """
    value = fields.get(key, default)
    if not isinstance(value, str):
        raise mistyped("string", value)
    return value


def optional_text(fields: Mapping[str, object], key: str) -> Optional[str]:
    """A text; None where there is no such key, or null.

    Raises:
        DirectRefusalError: another type.
    """
    return None if fields.get(key) is None else text(fields, key, "")


def integer(fields: Mapping[str, object], key: str, default: int) -> int:
    """A number, its fraction cut; booleans are 0 and 1, and what is over 32 bits wraps.

    Raises:
        DirectRefusalError: another type, null too.
    """
    value = fields.get(key, default)
    if not isinstance(value, (int, float)):
        raise mistyped("number", value)
    return (int(value) + _INTEGERS // 2) % _INTEGERS - _INTEGERS // 2


def boolean(fields: Mapping[str, object], key: str, default: bool) -> bool:
    """A boolean; the default where there is no such key.

    Raises:
        DirectRefusalError: another type, null too.
    """
    value = fields.get(key, default)
    if not isinstance(value, bool):
        raise mistyped("boolean", value)
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"
