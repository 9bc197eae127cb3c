"""How the parts of an answer are read: what is not there, or is of another kind, makes it a ``ProtocolError``.

A function that reads an answer may take what it needs without a look: in ``read_by`` it runs where errors of reading
(``KeyError``, ``TypeError`` and their like) are turned into a ``ProtocolError`` that names the operation, server and
beginning of the body. The functions here check what would otherwise be found out later, or never.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, TypeVar, cast

from queen_api import Request

from queen import validation

T = TypeVar("T")
R = TypeVar("R")

MISREADINGS = (AttributeError, LookupError, OverflowError, RecursionError, TypeError, ValueError)
"""What reading an answer raises that is not what the API promises."""


def read_by(request: Request[T], read: Callable[[T], R]) -> Request[R]:
    """The same request, whose answer is read by a function.

    Args:
        request: the request.
        read: makes the value; it may raise ``QueenError``, and any of ``MISREADINGS``.
    """
    parse = request.parse
    return Request(
        request.operation, request.target, request.body, lambda status, payload: read(parse(status, payload))
    )


def misread(error: BaseException) -> str:
    """What is wrong with an answer, by what reading it raised."""
    if isinstance(error, KeyError):
        return f"something in it has no {error.args[0]!r}"
    if isinstance(error, ValueError):
        return str(error)
    return f"something in it is of another kind than the API promises ({type(error).__name__}: {error})"


def an_object(value: object) -> Dict[str, object]:
    """A JSON object, or a ``ValueError``."""
    if not isinstance(value, dict):
        raise _other_kind(value, "an object")
    return cast("Dict[str, object]", value)


def a_list(value: object) -> List[object]:
    """A JSON list, or a ``ValueError``."""
    if not isinstance(value, list):
        raise _other_kind(value, "a list")
    return cast("List[object]", value)


def objects(value: object) -> List[Dict[str, object]]:
    """A list of JSON objects, or a ``ValueError``."""
    return [an_object(item) for item in a_list(value)]


def a_text(value: object) -> str:
    """A text, or a ``ValueError``."""
    if not isinstance(value, str):
        raise _other_kind(value, "a text")
    return value


def an_integer(value: object) -> int:
    """An integer, or a ``ValueError``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _other_kind(value, "an integer")
    return value


def a_refusal(value: object) -> Optional[str]:
    """What a server says is wrong; None where it says nothing, and a ``ValueError`` for what is no text."""
    return None if value is None else a_text(value)


def _other_kind(value: object, due: str) -> ValueError:
    return ValueError(f"{validation.shown(value)} is in it where {due} was due")
