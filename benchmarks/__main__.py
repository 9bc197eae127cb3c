"""``python -m benchmarks``: measure, and write ``results.md`` and its plots beside this file."""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.goals import GOALS
from benchmarks.measure import measure, profile_missed
from benchmarks.peers import FOLDER, install, peers
from benchmarks.plot import plot
from benchmarks.report import Machine, report

_HERE = Path(__file__).parent
_ROUNDS = 5
_SECONDS = 0.4
# With the installation before it, this keeps a run on a slow machine below ten minutes.
_BUDGET_SECONDS = 400


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="how often each is measured, at most")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="about how long each measurement takes")
    parser.add_argument("--again", action="store_true", help="write the report of the last run again")
    return parser.parse_args()


def main() -> None:
    """Install the peers, measure, and write the report."""
    arguments = _arguments()
    compared = peers()
    FOLDER.mkdir(exist_ok=True)
    raw_results = FOLDER / "results.json"
    versions = {peer.name: install(peer) for peer in compared}
    if arguments.again:
        figures = Figures(json.loads(raw_results.read_text(encoding="utf-8")))
    else:
        figures = measure(
            compared,
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            budget=_BUDGET_SECONDS,
            raw_results=raw_results,
        )
    machine = Machine.this(platform.python_version())
    text = report(figures, compared, versions, GOALS, profile_missed(figures, compared, GOALS), machine)
    (_HERE / "results.md").write_text(text, encoding="utf-8")
    plot(figures, compared, _HERE)


if __name__ == "__main__":
    main()
