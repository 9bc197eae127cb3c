"""Prometheus' text format."""

from __future__ import annotations

from typing import Dict, Iterator, Mapping, Sequence, Tuple

import attrs
from typing_extensions import Final, Literal

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"

_ESCAPED: Final[Dict[str, str]] = {"\\": r"\\", '"': r"\"", "\n": r"\n"}


@attrs.frozen
class Family:
    """The samples of one name.

    Attributes:
        name: the name.
        meaning: what is measured.
        samples: labels and a value each.
        kind: whether the values only grow.
    """

    name: str
    meaning: str
    samples: Sequence[Tuple[Mapping[str, str], int]]
    kind: Literal["gauge", "counter"] = "gauge"

    @classmethod
    def of(cls, name: str, meaning: str, value: int, kind: Literal["gauge", "counter"] = "gauge") -> Family:
        """A single value without labels."""
        return cls(name, meaning, [({}, value)], kind)


def exposition(families: Sequence[Family]) -> bytes:
    """The text of these families; those without samples are left out."""
    return "".join(line for family in families if family.samples for line in _lines(family)).encode()


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.meaning}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for labels, value in family.samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{family.name}{{{shown}}} {value}\n" if shown else f"{family.name} {value}\n"


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)
