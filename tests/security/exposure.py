"""All that could show a secret: logs, errors, the objects of a client, and the locals of the frames of a traceback."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Set

from queen import Queen
from queen.secret import Secret, SecretBytes

TESTS = str(Path(__file__).resolve().parents[1])


class Exposure(logging.Handler):
    """What was shown, by where.

    Attributes:
        shown: texts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: Dict[str, List[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self._add(f"log of {record.name}", record.getMessage(), repr(vars(record)))
        if record.exc_info and record.exc_info[1] is not None:
            self.error(record.exc_info[1])

    def error(self, error: BaseException) -> None:
        """An error, its attributes, and what a service would collect that takes the locals of frames."""
        self._add(f"error {type(error).__name__}", str(error), repr(error), repr(vars(error)))
        told: Optional[traceback.TracebackException] = traceback.TracebackException.from_exception(
            error, capture_locals=True
        )
        chain = [told]
        while chain:
            told = chain.pop()
            if told is None:
                continue
            chain += [told.__cause__, told.__context__]
            for frame in told.stack:
                # The tests know the secrets.
                if not frame.filename.startswith(TESTS):
                    for name, text in (frame.locals or {}).items():
                        self._add(f"{name} in {frame.filename}:{frame.lineno}", text)

    def client(self, queen: Queen) -> None:
        """A client and all objects of the library that it is made of."""
        for found in _parts(queen, set()):
            self._add(f"repr of {type(found).__name__}", repr(found), str(found))

    def of(self, *secrets: str) -> List[str]:
        """Where any of these showed."""
        return sorted(
            {where for where, texts in self.shown.items() for text in texts if any(each in text for each in secrets)}
        )

    def _add(self, where: str, *texts: str) -> None:
        self.shown.setdefault(where, []).extend(texts)


def _parts(value: object, seen: Set[int]) -> Iterator[object]:
    if id(value) in seen or isinstance(value, (Secret, SecretBytes)):
        return
    seen.add(id(value))
    if isinstance(value, dict):
        for item in [*value.keys(), *value.values()]:
            yield from _parts(item, seen)
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield value
        for item in value:
            yield from _parts(item, seen)
    elif type(value).__module__.startswith("queen"):
        yield value
        for item in [getattr(value, name, None) for name in _attributes(value)]:
            yield from _parts(item, seen)


def _attributes(value: object) -> List[str]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*getattr(value, "__dict__", {}), *slots]
