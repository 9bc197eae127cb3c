"""Patterns of expected answers, and whether a value matches one.

A text may hold tokens such as ``<uuid>`` or ``<timestamp-ms>``; one that is just a token, perhaps with a ``?`` for
null, stands for a value of that kind. ``{"<contains>": [...]}``, ``{"<unordered>": [...]}``,
``{"<each>": p, "<length>": n}`` and ``{"<at-least>": {...}}`` stand for lists and objects.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, List, Optional

_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_TEXT_KINDS: Dict[str, str] = {
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "timestamp": _ISO + r"(?:\.\d{1,6})?Z",
    "timestamp-s": _ISO + "Z",
    "timestamp-ms": _ISO + r"\.\d{3}Z",
    "timestamp-us": _ISO + r"\.\d{6}Z",
    "timestamp-tz": _ISO + r"(?:\.\d{1,6})?\+00:00",
    "timestamp-pg": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\+00",
    "string": r"[\s\S]*",
    "text": r"[\s\S]*",
    "int": r"-?\d+",
    "number": r"-?\d+(?:\.\d+)?",
}
_VALUE_KINDS: Dict[str, Callable[[Any], bool]] = {
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "any": lambda value: True,
}
_TOKEN = re.compile("<(" + "|".join(sorted(_TEXT_KINDS, key=len, reverse=True)) + ")>")
_WHOLE = re.compile(r"<([a-z-]+)(\?)?>")


def difference(want: Any, got: Any, where: str = "body", *, lenient: bool = False) -> Optional[str]:
    """The first place where a value does not match a pattern; None when it does.

    Args:
        want: the pattern.
        got: the value.
        where: the path to it, for the answer.
        lenient: whether objects may have more fields than the pattern.
    """
    if isinstance(want, str):
        return _text_difference(want, got, where)
    if isinstance(want, dict):
        if not {"<contains>", "<unordered>", "<each>"}.isdisjoint(want):
            return _list_difference(want, got, where, lenient)
        if set(want) == {"<at-least>"}:
            return difference(want["<at-least>"], got, where, lenient=True)
        return _object_difference(want, got, where, lenient)
    if isinstance(want, list):
        if not isinstance(got, list) or len(want) != len(got):
            return f"{where}: expected a list of {len(want)}, got {_shown(got)}"
        return _first(difference(*pair, f"{where}[{n}]", lenient=lenient) for n, pair in enumerate(zip(want, got)))
    same_kind = type(want) is type(got) or (_VALUE_KINDS["number"](want) and _VALUE_KINDS["number"](got))
    return None if same_kind and want == got else f"{where}: expected {_shown(want)}, got {_shown(got)}"


def text_matches(pattern: str, text: str) -> bool:
    """Whether a text is a literal one, or matches one with tokens in it."""
    expression, last = "", 0
    for token in _TOKEN.finditer(pattern):
        expression += re.escape(pattern[last : token.start()]) + f"(?:{_TEXT_KINDS[token.group(1)]})"
        last = token.end()
    return re.fullmatch(expression + re.escape(pattern[last:]), text) is not None


def _text_difference(want: str, got: Any, where: str) -> Optional[str]:
    whole = _WHOLE.fullmatch(want)
    if whole and (whole.group(1) in _VALUE_KINDS or whole.group(1) in _TEXT_KINDS):
        kind, optional = whole.groups()
        if got is None and (optional or kind == "any"):
            return None
        if kind in _VALUE_KINDS:
            matches = _VALUE_KINDS[kind](got)
        else:
            matches = isinstance(got, str) and re.fullmatch(_TEXT_KINDS[kind], got) is not None
    else:
        matches = isinstance(got, str) and text_matches(want, got)
    return None if matches else f"{where}: expected {_shown(want)}, got {_shown(got)}"


def _object_difference(want: Dict[str, Any], got: Any, where: str, lenient: bool) -> Optional[str]:
    if not isinstance(got, dict):
        return f"{where}: expected an object, got {_shown(got)}"
    missing = [key for key in want if key not in got]
    if missing:
        return f"{where}.{missing[0]}: missing"
    found = _first(difference(want[key], got[key], f"{where}.{key}", lenient=lenient) for key in want)
    extra = [key for key in got if key not in want]
    if found is None and extra and not lenient:
        return f"{where}: unexpected field {extra[0]!r} = {_shown(got[extra[0]])}"
    return found


def _list_difference(want: Dict[str, Any], got: Any, where: str, lenient: bool) -> Optional[str]:
    if not isinstance(got, list):
        return f"{where}: expected a list, got {_shown(got)}"
    if "<each>" in want:
        if len(got) != want["<length>"]:
            return f"{where}: expected {want['<length>']} elements, got {len(got)}"
        return _first(difference(want["<each>"], item, f"{where}[{n}]", lenient=lenient) for n, item in enumerate(got))
    exact = "<unordered>" in want
    patterns: List[Any] = want["<unordered>" if exact else "<contains>"]
    if exact and len(patterns) != len(got):
        return f"{where}: expected {len(patterns)} elements in any order, got {len(got)}"
    rest = list(got)
    for pattern in patterns:
        match = next((item for item in rest if difference(pattern, item, lenient=lenient) is None), rest)
        if match is rest:
            return f"{where}: no element matches {_shown(pattern)}"
        rest.remove(match)
    return None


def _first(differences: Any) -> Optional[str]:
    return next((found for found in differences if found is not None), None)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "..."
