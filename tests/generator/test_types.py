"""The generated types hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.generator.packages import GOLDEN

RIGHT = """
from typing import List, Optional, Union
from typing_extensions import assert_type
from small_api import Request
from small_api.api import things
from small_api.models import Keywords, Refusal, Thing

assert_type(things.get_thing(thing_name="t"), Request[Thing])
assert_type(things.list_things(), Request[List[Thing]])
assert_type(things.delete_thing(thing_name="t"), Request[None])
assert_type(things.put_thing(name="n", parent=None), Request[Optional[Union[List[Thing], Thing, Refusal]]])
thing: Thing = {"name": "n", "kind": "big", "data": object(), "parent": None}
keywords: Keywords = {"from": "here", "with space": "x"}
"""
WRONG = """
from small_api.api import things
from small_api.models import Thing

things.get_thing(thing_name=5)
things.put_thing()
thing: Thing = {"name": "n", "kind": "huge", "data": 1, "parent": None}
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
    assert [int(line.split(":")[1]) for line in lines] == [5, 6, 7], done.stdout
