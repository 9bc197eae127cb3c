"""``python -m tests.faults.soak --seconds 300 --seed 1``: a long run; its accounts are printed."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from queen.config import ENGINES
from tests.faults.soak.run import Plan, run
from tests.faults.soak.table import table


def main() -> int:
    """Run; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long there are faults")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    parser.add_argument("--dialect", choices=["embedded", "0.15"], default="embedded", help="what the broker speaks")
    parser.add_argument("--engine", choices=ENGINES, help="the client's; where nothing is said, the one it prefers")
    arguments = parser.parse_args()
    plan = Plan(seconds=arguments.seconds, seed=arguments.seed, dialect=arguments.dialect, engine=arguments.engine)
    with tempfile.TemporaryDirectory() as directory:
        report = asyncio.run(run(plan, Path(directory)))
    sys.stdout.write(table(report) + "\n")
    for complaint in report.complaints:
        sys.stdout.write(f"wrong: {complaint}\n")
    return 1 if report.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
