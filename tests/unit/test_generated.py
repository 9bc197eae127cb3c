"""Generated packages import on every supported Python."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
import queen_api

SMALL = Path(__file__).resolve().parents[1] / "generator" / "golden"


def import_all(package: str) -> int:
    root = importlib.import_module(package)
    names = [module.name for module in pkgutil.walk_packages(root.__path__, f"{package}.")]
    for name in names:
        importlib.import_module(name)
    return len(names)


def test_the_bindings_import() -> None:
    assert import_all(queen_api.__name__) > 30


def test_every_operation_leads_to_its_function() -> None:
    operations = queen_api.OPERATIONS
    assert [queen_api.endpoint(operation).__name__ for operation in operations] == [entry.id for entry in operations]


def test_unions_nullables_and_keywords_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SMALL))
    assert import_all("small_api") > 5
    from_keyword = importlib.import_module("small_api.models").Keywords
    assert from_keyword(**{"from": "here"}) == {"from": "here"}
