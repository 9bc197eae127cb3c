"""Names, and what the database cannot store."""

from __future__ import annotations

import json

from typing_extensions import Final

from queen.broker.failures import DatabaseRefusalError

QUEUE_MODE: Final = "__QUEUE_MODE__"
LONGEST: Final = 255


def storable(name: str) -> str:
    """A name of up to 255 characters without U+0000.

    Raises:
        DatabaseRefusalError: another name.
    """
    if len(name) > LONGEST:
        raise DatabaseRefusalError(f"value too long for type character varying({LONGEST})")
    if "\0" in name:
        raise DatabaseRefusalError('invalid byte sequence for encoding "UTF8": 0x00')
    return name


def document(value: object) -> str:
    """JSON as it is stored: keys sorted, as the server's database returns them.

    Raises:
        DatabaseRefusalError: a string holds U+0000.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if "\\u0000" in text and _holds_nul(value):
        raise DatabaseRefusalError("unsupported Unicode escape sequence")
    return text


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_holds_nul(item) for item in value)
