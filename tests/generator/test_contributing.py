"""The walk-through of CONTRIBUTING.md, followed to the letter on a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, Optional

import attrs
import pytest

from tests.generator.packages import ROOT

WALK_THROUGH = "## Adding a route, step by step\n"
# What is said just before a block tells what is done with it.
BLOCK = re.compile(
    r"(?:In `(?P<file>[^`]+)`, below `(?P<line>[^`]+)`:\n\n|New file `(?P<new>[^`]+)`:\n\n)?"
    r"```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@attrs.frozen
class Block:
    """One fenced block, with what is said of it."""

    language: str
    text: str
    file: Optional[str]
    line: Optional[str]
    new: Optional[str]


def blocks() -> Iterator[Block]:
    document = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for found in BLOCK.finditer(document[document.index(WALK_THROUGH) :]):
        yield Block(**found.groupdict())


def run(folder: Path, script: str) -> str:
    """What a script prints; the interpreter that runs this test is its ``python``, and the copy is what is imported."""
    environment: Dict[str, str] = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "generated")]),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The repository as it is now, committed."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("the files of the repository are known to git alone")
    folder = tmp_path / "copy"
    listed = run(ROOT, "git ls-files -z --cached --others --exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    run(folder, "git init -q && git add -A && git -c user.name=test -c user.email=test@localhost commit -q -m copy")
    return folder


def insert(path: Path, line: str, text: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    [place] = [number for number, found in enumerate(lines) if found.strip() == line]
    path.write_text("".join([*lines[: place + 1], text, *lines[place + 1 :]]), encoding="utf-8")


def test_a_route_is_added_as_the_walk_through_says(copy: Path) -> None:
    steps, printed = 0, ""
    for block in blocks():
        if block.new is not None:
            assert not (copy / block.new).exists(), block.new
            (copy / block.new).write_text(block.text, encoding="utf-8")
        elif block.file is not None and block.line is not None:
            insert(copy / block.file, block.line, block.text)
        elif block.language == "bash":
            printed = run(copy, block.text)
        else:
            assert (block.language, block.text) == ("text", printed)
        steps += 1
    assert steps == 16
    assert "list_partitions" in (copy / "generated" / "queen_api" / "api" / "queues" / "list_partitions.py").read_text()
