"""The example of typed payloads runs, ends by itself, and prints what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "typed_payloads.py"

PRINTED = """\
not pushed: Order: an order of nothing - at `$.lines[0]`
alice pays 48.50
bob pays 24.00
carol pays nothing: the payload does not fit Order: Invalid decimal string - at `$.lines[0].price`
dave pays nothing: the payload does not fit Order: an order of nothing - at `$.lines[0]`
"""


@pytest.mark.parametrize("served", [False, True])
def test_it_prints_what_becomes_of_each_order(served: bool, broker_url: str) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLE), *(["--url", broker_url] if served else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", PRINTED)
