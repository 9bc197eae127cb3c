"""JSON values as the server's database reads them where it wants a text, an integer or a boolean."""

from __future__ import annotations

import re
from typing import Optional

from typing_extensions import Final

from queen.broker.domain.names import document
from queen.broker.failures import DatabaseRefusalError

_INTEGER: Final = re.compile(r"\s*[+-]?\d{1,10}\s*", re.ASCII)
_SMALLEST: Final = -(2**31)
_LARGEST: Final = 2**31 - 1
_TRUE_WORDS: Final = frozenset(["t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"])
_FALSE_WORDS: Final = frozenset(["f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"])


def text(value: object) -> Optional[str]:
    """A text; other types are their JSON, and null is None."""
    return value if value is None or isinstance(value, str) else document(value)


def integer(value: object) -> int:
    """An integer of 32 bits, or a text that is one.

    Raises:
        DatabaseRefusalError: anything else.
    """
    read = text(value)
    if read is None or not _INTEGER.fullmatch(read):
        raise DatabaseRefusalError(f'invalid input syntax for type integer: "{read}"')
    if not _SMALLEST <= int(read) <= _LARGEST:
        raise DatabaseRefusalError(f'value "{read}" is out of range for type integer')
    return int(read)


def boolean(value: object) -> bool:
    """A boolean, or a text or number that reads as one.

    Raises:
        DatabaseRefusalError: anything else.
    """
    read = text(value)
    word = "" if read is None else read.strip().lower()
    if word not in _TRUE_WORDS | _FALSE_WORDS:
        raise DatabaseRefusalError(f'invalid input syntax for type boolean: "{read}"')
    return word in _TRUE_WORDS
