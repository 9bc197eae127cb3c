"""What griffe, which reads the docstrings for the site, has to be told about how they are written here."""

from __future__ import annotations

import re
import textwrap

import griffe

# reStructuredText's way to say that a block of code follows.
_EXAMPLE = re.compile(r"^Example::\n\n((?:(?: {4}.*)?\n?)+)", re.MULTILINE)

# Several errors with one reason; griffe would read them as a tuple.
_ERRORS = re.compile(r"^( {4}(?:\w+Error, )+\w+Error)(?=: )", re.MULTILINE)
# A page that a docstring names; the reference is one folder below it.
_PAGE = re.compile(r"``docs/([\w-]+)\.md``")

# Classes that the client makes: what their constructors take is no matter of its users.
_MADE_BY_THE_CLIENT = frozenset(["ConsumerHandle", "StreamConsumer"])
_ARGUMENTS = re.compile(r"^Args:\n(?: {4}.*\n?)+", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Lets docstrings read well on a page: examples are code, lists of errors alternatives, names of pages links."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Called for each object that was read."""
        if isinstance(obj, griffe.Attribute):
            if str(obj.annotation) == "Final":
                # That it stays is no type.
                obj.annotation = None
            if str(obj.value).startswith("attrs.field("):
                # How attrs is told of a default is nothing that a user could say.
                obj.value = None
        if obj.docstring is not None:
            obj.docstring.value = _readable(obj.docstring.value)
            if obj.name in _MADE_BY_THE_CLIENT:
                obj.docstring.value = _ARGUMENTS.sub("", obj.docstring.value)


def _readable(text: str) -> str:
    text = _EXAMPLE.sub(_block, text)
    text = _PAGE.sub(r"[`docs/\1.md`](../../\1/)", text)
    return _ERRORS.sub(lambda errors: errors[0].replace(", ", " or "), text)


def _block(found: re.Match[str]) -> str:
    code = textwrap.dedent(found[1]).strip()
    return f"```python\n{code}\n```\n"
