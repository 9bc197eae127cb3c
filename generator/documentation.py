"""Docstrings from the spec's own words."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

_WIDTH = 110
_INDENT = " " * 4


def docstring(
    paragraphs: Sequence[str],
    sections: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (),
    example: str | None = None,
) -> str:
    """The text between the quotes of a docstring.

    Args:
        paragraphs: the summary, then the description; empty ones are left out.
        sections: a title such as ``Args`` and its entries, each a name and a description.
        example: code, shown as it stands.

    Returns:
        Wrapped text, safe between triple double quotes.
    """
    blocks = [_wrapped(paragraph) for text in paragraphs for paragraph in _paragraphs(text)]
    for title, entries in sections:
        lines = [_entry(name, description) for name, description in entries if description.strip()]
        if lines:
            blocks.append("\n".join([f"{title}:", *lines]))
    if example is not None:
        blocks.append("For example::\n\n" + textwrap.indent(example, _INDENT))
    text = _escaped("\n\n".join(blocks))
    # A quote before the closing quotes would end the docstring early.
    return f"{text}\n" if "\n" in text or text.endswith('"') else text


def literal(value: object, width: int = _WIDTH) -> str:
    """A JSON value as Python code: in one line where it fits, otherwise an entry in each."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)):
        return repr(value)
    rest = width - len(_INDENT) - len(",")
    if isinstance(value, dict):
        names = [f"{literal(key)}: " for key in value]
        entries = [name + literal(item, rest - len(name)) for name, item in zip(names, value.values())]
    else:
        entries = [literal(item, rest) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    line = opening + ", ".join(entries) + closing
    if len(line) <= width and "\n" not in line:
        return line
    return "\n".join([opening, *(textwrap.indent(entry, _INDENT) + "," for entry in entries), closing])


def _paragraphs(text: str) -> list[str]:
    return [paragraph for paragraph in text.strip().split("\n\n") if paragraph]


def _wrapped(paragraph: str) -> str:
    lines = paragraph.split("\n")
    if any(line.lstrip().startswith(("- ", "* ")) for line in lines):
        return "\n".join(line.rstrip() for line in lines)
    return textwrap.fill(" ".join(lines), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _entry(name: str, description: str) -> str:
    text = f"{name}: {' '.join(description.split())}"
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
