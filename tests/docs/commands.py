"""Holds what ``bash`` blocks say to what there is, without running it: installing and serving change the machine."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from typing import Callable, Dict, List, Set

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from queen.broker import __main__ as broker_program
from tests.docs.blocks import ROOT

_MAKE_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def check_command(line: str) -> None:
    """Check one command.

    Raises:
        AssertionError: it names something that does not exist, or nobody can say whether it does.
    """
    words = shlex.split(line, comments=True)
    if words[:1] == ["eval"]:
        words = shlex.split(re.sub(r"^\$\((.*)\)$", r"\1", words[1]))
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        del words[0]
    for start, check in _CHECKS.items():
        prefix = start.split()
        if words[: len(prefix)] == prefix:
            check(words[len(prefix) :])
            return
    raise AssertionError(f"no check knows the command: {line}")


def commands_in(text: str) -> List[str]:
    """The commands of a block, one a line; a line that ends with a backslash goes on."""
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def extras() -> Set[str]:
    """The names of the extras of the distribution."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    section = text.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    return {canonicalize_name(name) for name in re.findall(r"^([\w-]+) = \[", section, re.MULTILINE)}


def _make(words: List[str]) -> None:
    targets = [word for word in words if "=" not in word]
    assert targets, "make without a target"
    assert set(targets) <= _MAKE_TARGETS, f"the Makefile has no {sorted(set(targets) - _MAKE_TARGETS)}"


def _pip_install(words: List[str]) -> None:
    for word in words:
        if word.startswith("-"):
            continue
        own = Requirement(word.replace(".[", "queen-mq[", 1) if word.startswith(".") else word)
        if own.name == "queen-mq":
            unknown = {canonicalize_name(extra) for extra in own.extras} - extras()
            assert not unknown, f"there is no extra {sorted(unknown)}"


def _broker(words: List[str]) -> None:
    _parses(broker_program._parser(), words)


def _queen(words: List[str]) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("the command line needs Python 3.11")
    from queen.cli.program import program

    program().parse_args(words, exit_on_error=False, print_error=False)


def _export(words: List[str]) -> None:
    for word in words:
        name = word.partition("=")[0]
        assert any(name in path.read_text("utf-8") for path in (ROOT / "queen").rglob("*.py")), f"nothing reads {name}"


def _parses(parser: argparse.ArgumentParser, words: List[str]) -> None:
    try:
        parser.parse_args(words)
    except SystemExit as error:
        raise AssertionError(f"{parser.prog} does not take {words}") from error


_CHECKS: Dict[str, Callable[[List[str]], None]] = {
    "make": _make,
    "pip install": _pip_install,
    "python -m queen.broker": _broker,
    "queen": _queen,
    "export": _export,
}
