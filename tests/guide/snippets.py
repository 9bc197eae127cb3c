"""The Python snippets of the guide, and what is done with each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

import attrs
from typing_extensions import Final

GUIDE: Final = Path(__file__).with_name("guide.md")

_FENCE: Final = "```"
# The document is plain text: a heading is a short line of its own that ends as no sentence, list or table of it does.
_HEADING: Final = re.compile(r"[A-Z][^|•]{2,60}[^.:,|]")

TWINNED: Final[Dict[int, str]] = {
    7: "`consume(async def handler(msg): ...)` is no Python: a function cannot be defined inside a call",
    14: "`.on_success(async def on_success(messages): ...)` is no Python: a function cannot be defined inside a call",
}
"""Snippets that no Python accepts; a twin that means the same is run in their place."""

ASSERTED: Final[Dict[int, str]] = {
    68: "a dict on its own: the defaults of the client",
    69: "a dict on its own: the defaults of a queue",
    70: "a dict on its own: the defaults of consuming",
    71: "a dict on its own: the defaults of a pop",
    76: "a list of signatures, not a program",
    77: "a list of signatures, not a program",
}
"""Snippets with nothing to run: what they list is compared with the library."""


@attrs.frozen
class Snippet:
    """One Python block of the guide.

    Attributes:
        number: its place among the Python blocks, from 1.
        heading: the heading under which it stands.
        line: the line of the guide before its first one.
        text: the block, word for word.
    """

    number: int
    heading: str
    line: int
    text: str


def _extracted(lines: List[str]) -> Dict[int, Snippet]:
    found: Dict[int, Snippet] = {}
    heading, before, start, language = "", "", 0, ""
    block: List[str] = []
    inside = False
    for place, line in enumerate(lines, 1):
        if line.startswith(_FENCE):
            if not inside:
                start, language, block = place, line[len(_FENCE) :], []
            elif language == "python":
                number = len(found) + 1
                found[number] = Snippet(number, heading, start, "".join(f"{text}\n" for text in block))
            inside = not inside
        elif inside:
            block.append(line)
        elif not before and _HEADING.fullmatch(line):
            heading = line
        before = "" if inside else line
    return found


SNIPPETS: Final = _extracted(GUIDE.read_text(encoding="utf-8").splitlines())
"""All Python snippets, by number."""
