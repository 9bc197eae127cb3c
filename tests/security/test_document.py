"""What ``SECURITY.md`` promises is held by tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_each_promise_names_tests_that_there_are() -> None:
    tables = re.findall(r"\| promise \| tests \|\n\| --- \| --- \|\n((?:\|.*\n)+)", SECURITY)
    rows = [row for table in tables for row in table.splitlines()]
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for file, test in named:
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), test
