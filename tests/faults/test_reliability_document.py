"""The document of what is promised names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/reliability.md").read_text("utf-8"))))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_is_named_exists(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    tests = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert test in tests


def test_every_promise_names_a_test() -> None:
    promised = (ROOT / "docs/reliability.md").read_text("utf-8").partition("## The ledger")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ") and "---" not in line]
    promises = [row for row in rows if not row.startswith("| promise")]
    assert len(promises) > 20
    assert [row for row in promises if "::test_" not in row] == []
