"""Specs and packages for tests of the generator."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SPEC = HERE / "small.yaml"
GOLDEN = HERE / "golden" / "small_api"


def changed_spec(folder: Path, before: str, after: str) -> Path:
    """A copy of the small spec with one change."""
    text = SPEC.read_text(encoding="utf-8")
    assert text.count(before) >= 1, before
    copy = folder / "small.yaml"
    copy.write_text(text.replace(before, after, 1), encoding="utf-8")
    return copy


@contextmanager
def imported(package: Path) -> Iterator[ModuleType]:
    """A generated package, importable while the block runs."""
    sys.path.insert(0, str(package.parent))
    try:
        yield importlib.import_module(package.name)
    finally:
        sys.path.remove(str(package.parent))
        for name in [name for name in sys.modules if name.split(".")[0] == package.name]:
            del sys.modules[name]
