"""The demo moves real messages and ends by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart.py"


def run(*arguments: str) -> str:
    command = [sys.executable, "-W", "error", str(QUICKSTART), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def check(output: str) -> None:
    steps = [line[0] for line in output.splitlines() if line[0] != " "]
    assert steps == ["1", "2", "3", "4", "5", "d"]
    assert output.count("poison  fails, attempt") == 3
    assert "statistics counted 5 items" in output
    assert "the price is negative (after 2 retries)" in output
    assert "its invoice is {'invoice': 24.5}" in output
    assert output.index("billing    alice  teapot") < output.index("billing    alice  cup")


def test_it_runs_on_the_embedded_broker() -> None:
    check(run())


def test_it_runs_against_a_server(broker_url: str) -> None:
    check(run("--url", broker_url))
