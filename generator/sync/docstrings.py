"""Docstrings of the async client in the words of the sync one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

_WIDTH = 120

# In this order; each is what waiting is called somewhere.
_WORDS = (
    (r"``await handle``", "``stopped()``"),
    (r"\.consume\(handler\)\.start\(\)", ".start_consuming(handler)"),
    (r"``start\(\)``", "``start_consuming()``"),
    (r"\ba task of (its|their) own", r"threads of \1 own"),
    (r"\basync with\b", "with"),
    (r"\basync def\b", "def"),
    (r"\bawait ", ""),
    (r"from queen import", "from queen.sync import"),
    (r"[,;] sync or async\b", ""),
    (r" when (it is )?awaited\b", ""),
    (r"\bwhen they are awaited, until", "until"),
    (r"another event loop or process", "another process"),
)
# An entry of "Raises:" that only event loops and their tasks are the reason of.
_LOOPS = re.compile(r"^ {4}(?:asyncio\.CancelledError: |\w+: [^\n]*event loop)[^\n]*(?:\n {8}[^\n]*)*\n?", re.MULTILINE)
_IS_OF_LOOPS = re.compile("A client belongs to the event loop")
_THREADS = """One client may be used by many threads at once. It works in a thread of its own, which the first call
starts and ``close()`` ends; functions that are given to it run in the thread of the call that they were given to, or in
threads beside it.

It belongs to its process: in a child that was forked after the first call, every call raises ``WrongEventLoopError``. A
client of a server that was made before a fork, and not used yet, can be used in the parent and in the child; that of an
embedded broker only where it was made."""
_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Example)s?::?$", re.MULTILINE)


def reworded(text: str) -> str:
    """A docstring without the words for waiting."""
    paragraphs = [_THREADS if _IS_OF_LOOPS.match(paragraph) else paragraph for paragraph in text.split("\n\n")]
    result = "\n\n".join(paragraphs)
    for pattern, words in _WORDS:
        result = re.sub(pattern, words, result)
    result = _LOOPS.sub("", result)
    return re.sub(r"\n(Raises):\n*\Z", "", result).rstrip()


def with_arguments(text: str, arguments: Mapping[str, str]) -> str:
    """A docstring with more arguments, behind those that it has.

    Args:
        text: the docstring.
        arguments: their names, each with what is said of it.
    """
    entries = "\n".join(_entry(name, words) for name, words in arguments.items())
    paragraphs = text.split("\n\n")
    for place, paragraph in enumerate(paragraphs):
        if paragraph.startswith("Args:"):
            paragraphs[place] = f"{paragraph.rstrip()}\n{entries}"
            return "\n\n".join(paragraphs)
    first = next((place for place, paragraph in enumerate(paragraphs) if _SECTION.match(paragraph)), len(paragraphs))
    return "\n\n".join([*paragraphs[:first], f"Args:\n{entries}", *paragraphs[first:]])


def arguments_in(text: str) -> dict[str, str]:
    """The arguments of a docstring, each with what is said of it."""
    section = next((part for part in text.split("\n\n") if part.startswith("Args:")), "")
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return dict(entries)


def without_arguments(text: str) -> str:
    """A docstring of a class that users do not make themselves."""
    return "\n\n".join(paragraph for paragraph in text.split("\n\n") if not paragraph.startswith("Args:"))


def with_paragraphs(text: str, more: str) -> str:
    """A docstring with paragraphs behind those that it begins with."""
    paragraphs = text.split("\n\n")
    first = next((place for place, paragraph in enumerate(paragraphs) if _SECTION.match(paragraph)), len(paragraphs))
    return "\n\n".join([*paragraphs[:first], more, *paragraphs[first:]]) if more else text


def literal(text: str, indent: int) -> str:
    """A docstring as it is written in a module, the quotes included."""
    inner = textwrap.indent(text, " " * indent, lambda line: bool(line.strip())).lstrip()
    end = "\n" + " " * indent if "\n" in text else ""
    return f'"""{inner}{end}"""'


def _entry(name: str, words: str) -> str:
    joined = re.sub(r"^Call ``", "called as ``", " ".join(words.split()))
    lowered = joined[:1].lower() + joined[1:]
    return textwrap.fill(
        f"{name}: {lowered}",
        width=_WIDTH - 8,
        initial_indent=" " * 4,
        subsequent_indent=" " * 8,
        break_long_words=False,
        break_on_hyphens=False,
    )
