"""Docstrings from the spec's own words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

_WIDTH = 110


def docstring(paragraphs: Sequence[str], sections: Sequence[tuple[str, Sequence[tuple[str, str]]]] = ()) -> str:
    """The text between the quotes of a docstring.

    Args:
        paragraphs: the summary, then the description; empty ones are left out.
        sections: a title such as ``Args`` and its entries, each a name and a description.

    Returns:
        Wrapped text, safe between triple double quotes.
    """
    blocks = [_wrapped(paragraph) for text in paragraphs for paragraph in _paragraphs(text)]
    for title, entries in sections:
        lines = [_entry(name, description) for name, description in entries if description.strip()]
        if lines:
            blocks.append("\n".join([f"{title}:", *lines]))
    text = _escaped("\n\n".join(blocks))
    # A quote before the closing quotes would end the docstring early.
    return f"{text}\n" if "\n" in text or text.endswith('"') else text


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
        initial_indent="    ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
