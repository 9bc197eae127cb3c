"""The generated types hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest

from tests.generator.packages import GOLDEN, ROOT

RIGHT = """
from typing import List, Optional, Tuple, Union
from typing_extensions import assert_type
from small_api import OPERATIONS, Operation, Request
from small_api.api import parts, things
from small_api.models import ByOwner, Keywords, Refusal, Shelves, Thing

assert_type(things.get_thing(thing_name="t"), Request[Thing])
assert_type(things.list_things(), Request[List[Thing]])
assert_type(things.delete_thing(thing_name="t"), Request[None])
assert_type(things.put_thing(name="n", parent=None), Request[Optional[Union[List[Thing], Thing, Refusal]]])
thing: Thing = {"name": "n", "kind": "big", "data": object(), "parent": None}
keywords: Keywords = {"from": "here", "with space": "x"}
marked: Keywords = {"from": "here", 'quoted "key" \\\\': "it's"}
replace = parts.replace_part(from_="f", part_id="p", kind="part", labels=["l"], parent=None, reason="r", data=None)
assert_type(replace, Request[Optional[List[ByOwner]]])
shelves: Shelves = [{"owner": [thing]}]
assert_type(parts.count_parts().parse(200, 1), int)
assert_type(things.report_things(), Request[str])
assert_type(OPERATIONS, Tuple[Operation, ...])
"""
WRONG = """
from small_api.api import things
from small_api.models import Thing

things.get_thing(thing_name=5)
things.put_thing()
thing: Thing = {"name": "n", "kind": "huge", "data": 1, "parent": None}
things.list_things().parse(200, None).strip()
things.get_thing("t")
"""


def mypy(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program)
    shutil.copytree(GOLDEN, folder / "small_api", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "program.py", "small_api"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_right_uses_pass_mypy_strict(tmp_path: Path) -> None:
    done = mypy(RIGHT, tmp_path)
    assert done.returncode == 0, done.stdout


def test_wrong_uses_do_not(tmp_path: Path) -> None:
    done = mypy(WRONG, tmp_path)
    lines = [line for line in done.stdout.splitlines() if line.startswith("program.py") and ": error:" in line]
    assert [int(line.split(":")[1]) for line in lines] == [5, 6, 7, 8, 9], done.stdout


IMPORTS = "import small_api.models, small_api.api.parts, small_api.api.things; print(small_api.__all__[0])"


def python38() -> Optional[str]:
    """Python 3.8 with what generated code needs: that of ``make test-all``, or the one on the PATH."""
    for candidate in (ROOT / ".venvs" / "3.8" / "bin" / "python", shutil.which("python3.8")):
        if candidate is None or not Path(candidate).exists():
            continue
        program = "import sys, attrs, typing_extensions; sys.exit(sys.version_info[:2] != (3, 8))"
        if subprocess.run([str(candidate), "-c", program], capture_output=True, check=False).returncode == 0:
            return str(candidate)
    return None


def test_the_package_imports_on_the_oldest_python(tmp_path: Path) -> None:
    python = python38()
    if python is None:
        pytest.skip("there is no Python 3.8 with attrs and typing_extensions; make test-all makes one")
    shutil.copytree(GOLDEN, tmp_path / "small_api", ignore=shutil.ignore_patterns("__pycache__"))
    command = [python, "-W", "error", "-c", IMPORTS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "OPERATIONS\n"), done.stderr
