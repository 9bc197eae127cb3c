"""What a comparison finds: changes, each with its place and with whom it breaks."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import attrs

from generator.diff.effects import BOTH, NOBODY, Direction, Side, broken, effect_on_flag
from generator.spec import JsonObject

DOCUMENTATION = (
    "$comment",
    "deprecated",
    "description",
    "example",
    "examples",
    "externalDocs",
    "summary",
    "title",
)


class Absent(enum.Enum):
    """The type of ``ABSENT``: null is a value that a spec can hold."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@attrs.frozen
class Change:
    """One change.

    Attributes:
        where: the place in the operation, as ``response 200.messages[].traceId``; empty for the operation itself.
        subject: what changed there, often a keyword of the spec: ``maxLength``, ``property``.
        old: what it was; ``ABSENT`` when it was added.
        new: what it is; ``ABSENT`` when it was removed.
        breaks: whom it breaks, nobody when empty.
        documentation: nothing but words changed.
    """

    where: str
    subject: str
    old: object
    new: object
    breaks: tuple[Side, ...] = NOBODY
    documentation: bool = False

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """What became of the subject."""
        if self.old is ABSENT:
            return "added"
        return "removed" if self.new is ABSENT else "changed"


@attrs.frozen
class OperationChanges:
    """The changes of one operation, or of what belongs to none.

    Attributes:
        operation: its id, the old one if it has two; None for what belongs to no operation.
        method: the HTTP method that it had.
        path: the path that it had.
        changes: what changed, in the order of the spec.
    """

    operation: str | None
    method: str | None
    path: str | None
    changes: Sequence[Change]


def presence(required: bool) -> str:
    """Whether something has to be there, in a word."""
    return "required" if required else "optional"


def presence_change(where: str, subject: str, was: bool, now: bool, direction: Direction) -> Iterator[Change]:
    """The change, if there is one, of what has to be there or need not.

    Args:
        where: the place.
        subject: what is or was required.
        was: whether it was.
        now: whether it is.
        direction: who sends it.
    """
    if was != now:
        yield Change(where, subject, presence(was), presence(now), broken(effect_on_flag(was, now), direction))


def documentation(
    where: str, old: JsonObject, new: JsonObject, keys: Iterable[str] = DOCUMENTATION
) -> Iterator[Change]:
    """The changes of words that bind nobody."""
    for key in keys:
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        if before != after:
            yield Change(where, key, before, after, documentation=True)


def unjudged(where: str, old: JsonObject, new: JsonObject, known: Iterable[str]) -> Iterator[Change]:
    """The changes of keys that no rule is about: extensions bind nobody, everything else is taken to break both sides.

    Args:
        where: the place.
        old: what was there.
        new: what is there.
        known: the keys that rules are about.
    """
    judged = {*known, *DOCUMENTATION}
    for key in {**old, **new}:
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        if key in judged or before == after:
            continue
        extension = key.startswith("x-")
        yield Change(where, key, before, after, NOBODY if extension else BOTH, extension)
