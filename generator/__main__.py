"""The command line: ``python -m generator`` with ``generate``, ``check`` or ``diff``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from generator.diff.operations import compare
from generator.diff.reading import read
from generator.diff.report import Report, as_json, as_text
from generator.failure import GenerationError
from generator.output import check, check_sync, generate, generate_sync

_ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those of the command line, where none are given.

    Returns:
        0 when all is well, 1 when not, which for ``diff`` is a change that breaks somebody; ``diff`` returns 2 when it
        cannot read a spec.
    """
    parsed = _parser().parse_args(arguments)
    return _diff(parsed) if parsed.command == "diff" else _package(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m generator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("generate", "write the packages"),
        ("check", "fail when the packages are not what the spec and the async client say"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--spec", type=Path, default=_ROOT / "openapi" / "queen.yaml", help="the OpenAPI document")
        command.add_argument(
            "--output", type=Path, default=_ROOT / "generated" / "queen_api", help="the folder of the spec's package"
        )
        command.add_argument("--sync", type=Path, help="the folder of the sync client; queen_sync beside the other")
    command = commands.add_parser(
        "diff",
        help="list what changed from one spec to another, and fail when it breaks callers or servers",
        epilog="exit status: 0 nothing breaks, 1 something breaks, 2 a spec cannot be read",
    )
    command.add_argument("old", type=Path, help="the OpenAPI document as it was; /dev/stdin for standard input")
    command.add_argument("new", type=Path, help="the OpenAPI document as it is")
    command.add_argument("--format", choices=("text", "json"), default="text", help="of the report; text by default")
    command.add_argument("--documentation", action="store_true", help="list changes of descriptions and examples too")
    return parser


def _diff(arguments: argparse.Namespace) -> int:
    try:
        old, new = read(arguments.old), read(arguments.new)
        report = Report(str(arguments.old), str(arguments.new), compare(old, new))
    except (OSError, GenerationError) as error:
        print(error, file=sys.stderr)
        return 2
    if not arguments.documentation:
        report = report.without_documentation()
    print(as_json(report) if arguments.format == "json" else as_text(report), end="")
    return 1 if report.breaks else 0


def _package(arguments: argparse.Namespace) -> int:
    sync = arguments.sync or arguments.output.parent / "queen_sync"
    source = _ROOT / "queen"
    try:
        if arguments.command == "generate":
            generate(arguments.spec, arguments.output)
            print(f"wrote {arguments.output}")
            generate_sync(source, sync)
            print(f"wrote {sync}")
            return 0
        problems = check(arguments.spec, arguments.output) + check_sync(source, sync)
    except GenerationError as error:
        problems = error.problems
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{arguments.output} is what {arguments.spec} says, and {sync} what {source} does")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
