"""Specs are compared by the command line, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.diff.specs import Diff, compared


@pytest.fixture
def diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Diff:
    """Compares two texts as ``python -m generator diff`` does: ``(exit status, report)``."""
    return lambda old, new, *options: compared(tmp_path, capsys, old, new, *options)
