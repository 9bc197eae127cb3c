"""The command line: ``python -m generator generate`` and ``python -m generator check``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from generator.failure import GenerationError
from generator.output import check, generate

_ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run one command; 0 when all is well, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m generator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("generate", "write the package"),
        ("check", "fail when the package is not what the spec says"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--spec", type=Path, default=_ROOT / "openapi" / "queen.yaml", help="the OpenAPI document")
        command.add_argument(
            "--output", type=Path, default=_ROOT / "generated" / "queen_api", help="the package's folder"
        )
    arguments = parser.parse_args()
    try:
        if arguments.command == "generate":
            generate(arguments.spec, arguments.output)
            print(f"wrote {arguments.output}")
            return 0
        problems = check(arguments.spec, arguments.output)
    except GenerationError as error:
        problems = error.problems
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{arguments.output} is what {arguments.spec} says")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
