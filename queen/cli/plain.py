"""Text that a terminal shows as it is: what would steer the terminal is written as an escape."""

from __future__ import annotations

import json
import re
import sys

_INVISIBLE = re.compile(r"[^ -~\n]")


def visible(text: str) -> str:
    """Text in which control characters are written as escapes; line ends stay."""
    return _INVISIBLE.sub(lambda match: _escaped(match.group()), text)


def on_one_line(text: str) -> str:
    """The same, with line ends as escapes too."""
    return visible(text).replace("\n", "\\n")


def as_json(value: object, *, indent: bool = False) -> str:
    """JSON in which no character steers a terminal, in the encoding of standard output."""
    has_all = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not has_all, indent=2 if indent else None)
    return text if text.isascii() else _INVISIBLE.sub(lambda match: _json_escaped(match.group()), text)


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def _json_escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]
