"""Checks of arguments, made before anything is sent.

Each check returns the value that it accepted, and raises ``TypeError`` or ``ValueError`` with the argument's name, its
value and what is accepted.
"""

from __future__ import annotations

import difflib
import re
import uuid
from datetime import datetime, timezone
from typing import Iterable, NoReturn, Optional, Sequence

from queen.timestamps import moment_of

# The server's limit for queue, partition and group names and transaction ids, in characters.
MAX_NAME_LENGTH = 255
# The servers read integers of 32 bits.
MAX_INTEGER = 2**31 - 1

# Visible ASCII without ``#``, ``/`` and ``?``.
_PATH_NAME = re.compile(r"[!\"$-.0->@-~]+")


def text(argument: str, value: object) -> str:
    """A string of 1 to 255 characters without U+0000, as the server stores names."""
    if not isinstance(value, str):
        _wrong_type(argument, value, "a string")
    if not value:
        raise ValueError(f"{argument} is empty; a name of 1 to {MAX_NAME_LENGTH} characters is accepted")
    if len(value) > MAX_NAME_LENGTH:
        raise ValueError(
            f"{argument} has {len(value)} characters ({value[:24]!r}...); the server stores at most {MAX_NAME_LENGTH}"
        )
    if "\0" in value:
        raise ValueError(f"{argument}={value!r} holds U+0000, which the server cannot store")
    return value


def path_name(argument: str, value: object) -> str:
    """A name that can stand in a URL path.

    The servers never decode path segments, so a name may hold any visible ASCII character but ``/``, ``?`` and ``#``,
    and may not be ``.`` or ``..``.
    """
    name = text(argument, value)
    if not is_path_name(name):
        raise ValueError(
            f"{argument}={name!r} cannot be addressed by a path on any Queen server; accepted are visible ASCII "
            "characters except '/', '?' and '#', and not '.' or '..'"
        )
    return name


def is_path_name(name: str) -> bool:
    """Whether a name can stand in a URL path."""
    return name not in (".", "..") and _PATH_NAME.fullmatch(name) is not None


def integer(argument: str, value: object, *, minimum: int, maximum: Optional[int] = None) -> int:
    """An integer within bounds; booleans and fractions are refused."""
    wanted = f"an integer from {minimum}" + (f" to {maximum}" if maximum is not None else " up")
    if isinstance(value, bool) or not isinstance(value, int):
        _wrong_type(argument, value, wanted)
    if value < minimum or (maximum is not None and value > maximum):
        raise ValueError(f"{argument}={value} is out of range; accepted is {wanted}")
    return value


def boolean(argument: str, value: object) -> bool:
    """True or False, nothing else."""
    if not isinstance(value, bool):
        _wrong_type(argument, value, "True or False")
    return value


def choice(argument: str, value: object, accepted: Sequence[str]) -> str:
    """One of a few words."""
    listed = ", ".join(repr(word) for word in accepted)
    if not isinstance(value, str):
        _wrong_type(argument, value, f"one of {listed}")
    if value not in accepted:
        raise ValueError(f"{argument}={value!r} is unknown; accepted are {listed}{nearest(value, accepted)}")
    return value


def trace_id(argument: str, value: object) -> str:
    """A UUID as text; the server accepts any other trace id and then never stores the message."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if not isinstance(value, str):
        _wrong_type(argument, value, "a UUID as text")
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise ValueError(f"{argument}={value!r} is not a UUID; the server can store no other trace id") from None


def instant(argument: str, value: object) -> str:
    """A time stamp for the wire: text as it is, or an aware ``datetime``."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(
                f"{argument}={value!r} has no time zone; give an aware datetime (datetime.now(timezone.utc)) or text"
            )
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if not isinstance(value, str):
        _wrong_type(argument, value, "an ISO 8601 time stamp as text, or an aware datetime")
    try:
        moment_of(value)
    except ValueError:
        raise ValueError(f"{argument}={value!r} is no time; an ISO 8601 time stamp is accepted") from None
    return value


def snake_case(name: str) -> str:
    """``timeout_millis`` for ``timeoutMillis``: options may be written either way."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the known word that is closest, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _wrong_type(argument: str, value: object, wanted: str) -> NoReturn:
    raise TypeError(f"{argument}={value!r} is a {type(value).__name__}; accepted is {wanted}")
