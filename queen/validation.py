"""Checks of arguments, made before anything is sent.

Each check returns the value that it accepted, and raises ``TypeError`` or ``ValueError`` with the argument's name, its
value and what is accepted.
"""

from __future__ import annotations

import difflib
import re
import uuid
from datetime import datetime, timezone
from typing import Collection, Iterable, Sequence

from typing_extensions import Final

from queen.timestamps import moment_of

# The server's limit for queue, partition and group names and transaction ids, in characters.
MAX_NAME_LENGTH = 255
# The servers read integers of 32 bits.
MAX_INTEGER = 2**31 - 1

# Visible ASCII without ``#``, ``/`` and ``?``.
_PATH_NAME = re.compile(r"[!\"$-.0->@-~]+")
# So much of a value is shown in an error: it may be a whole payload.
_LONGEST_SHOWN: Final = 200


def shown(value: object) -> str:
    """A value as an error shows it: shortened, and whatever its ``repr`` does."""
    try:
        written = repr(value)
    except Exception:  # noqa: BLE001  (an integer of more than 4300 digits, or a class that a user wrote)
        return f"<a {type(value).__name__} that cannot be shown>"
    return written if len(written) <= _LONGEST_SHOWN else f"{written[:_LONGEST_SHOWN]}..."


def wrong_type(argument: str, value: object, wanted: str) -> TypeError:
    """The error for a value of a type that is not accepted."""
    return TypeError(f"{argument}={shown(value)} is a {type(value).__name__}; accepted is {wanted}")


def text(argument: str, value: object) -> str:
    """A string of 1 to 255 characters without U+0000 and lone surrogates, as the server stores names."""
    if not isinstance(value, str):
        raise wrong_type(argument, value, "a string")
    if not value:
        raise ValueError(f"{argument} is empty; a name of 1 to {MAX_NAME_LENGTH} characters is accepted")
    if len(value) > MAX_NAME_LENGTH:
        raise ValueError(
            f"{argument} has {len(value)} characters ({value[:24]!r}...); the server stores at most {MAX_NAME_LENGTH}"
        )
    return storable(argument, value)


def storable(argument: str, value: object) -> str:
    """A string of any length without U+0000, which the server cannot store, and lone surrogates, which JSON cannot."""
    if not isinstance(value, str):
        raise wrong_type(argument, value, "a string")
    if "\0" in value:
        raise ValueError(f"{argument}={shown(value)} holds U+0000, which the server cannot store")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError(f"{argument}={shown(value)} holds a lone surrogate, which no request can hold") from None
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


def integer(argument: str, value: object, *, minimum: int, maximum: int = MAX_INTEGER) -> int:
    """An integer within bounds; booleans and fractions are refused."""
    wanted = f"an integer from {minimum} to {maximum}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(argument, value, wanted)
    if not minimum <= value <= maximum:
        raise ValueError(f"{argument}={shown(value)} is out of range; accepted is {wanted}")
    return value


def boolean(argument: str, value: object) -> bool:
    """True or False, nothing else."""
    if not isinstance(value, bool):
        raise wrong_type(argument, value, "True or False")
    return value


def choice(argument: str, value: object, accepted: Sequence[str]) -> str:
    """One of a few words."""
    listed = ", ".join(repr(word) for word in accepted)
    if not isinstance(value, str):
        raise wrong_type(argument, value, f"one of {listed}")
    if value not in accepted:
        raise ValueError(f"{argument}={shown(value)} is unknown; accepted are {listed}{nearest(value, accepted)}")
    return value


def trace_id(argument: str, value: object) -> str:
    """A UUID as text; the server accepts any other trace id and then never stores the message."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if not isinstance(value, str):
        raise wrong_type(argument, value, "a UUID as text")
    try:
        return str(uuid.UUID(value))
    except ValueError:
        raise ValueError(f"{argument}={shown(value)} is not a UUID; the server can store no other trace id") from None


def instant(argument: str, value: object) -> str:
    """A time stamp for the wire: text as it is, or an aware ``datetime``."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(
                f"{argument}={value!r} has no time zone; give an aware datetime (datetime.now(timezone.utc)) or text"
            )
        try:
            return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
        except OverflowError:
            raise ValueError(f"{argument}={value!r} is outside of the years 1 to 9999 in UTC") from None
    if not isinstance(value, str):
        raise wrong_type(argument, value, "an ISO 8601 time stamp as text, or an aware datetime")
    # Whatever character stands between the day and the time is read as a space.
    if not (value.isprintable() and _is_moment(value)):
        raise ValueError(f"{argument}={shown(value)} is no time; an ISO 8601 time stamp is accepted")
    return value


def each_once(where: str, names: Collection[str], given: Iterable[object]) -> None:
    """Refuse what was said twice, under two spellings of one name: only one of the two could count.

    Args:
        where: what was given.
        names: the names that were meant, each once.
        given: the keys as they were given.

    Raises:
        ValueError: there are more keys than names.
    """
    keys = list(given)
    if len(names) < len(keys):
        raise ValueError(f"{where} says one thing twice, by two of the keys {', '.join(map(shown, keys))}")


def snake_case(key: object) -> str:
    """``timeout_millis`` for ``timeoutMillis``: options may be written either way."""
    name = key if isinstance(key, str) else shown(key)
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)


def nearest(word: object, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the known word that is closest, or nothing."""
    close = difflib.get_close_matches(word if isinstance(word, str) else shown(word), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _is_moment(value: str) -> bool:
    try:
        moment_of(value)
    except ValueError:
        return False
    return True
