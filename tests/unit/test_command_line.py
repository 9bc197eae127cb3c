"""The command line where it cannot be: it says what it needs. ``tests/cli`` is about what it does."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import Tuple

import pytest

WITHOUT_THE_EXTRA = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in ("cyclopts", "rich") else find(name, package)
from queen.cli import main
code = main(sys.argv[1:])
assert not {"cyclopts", "rich"} & set(sys.modules)
sys.exit(code)
"""


def ran(*words: str) -> Tuple[int, str, str]:
    command = [sys.executable, "-W", "error", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(sys.version_info < (3, 11), reason="it needs more than the extra")
@pytest.mark.parametrize("words", [(), ("queues",), ("--help",)])
def test_without_the_extra_it_names_it(words: Tuple[str, ...]) -> None:
    said = 'queen: the command line needs the extra "cli": pip install "queen-mq[cli]"\n'
    assert ran("-c", WITHOUT_THE_EXTRA, *words) == (1, "", said)


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="this Python can have it")
def test_an_old_python_is_told_which_it_needs() -> None:
    code, out, said = ran("-m", "queen", "queues")
    assert (code, out) == (1, "")
    assert (
        said == 'queen: the command line needs Python 3.11 or later, and the extra "cli": pip install "queen-mq[cli]"\n'
    )


def test_the_version_needs_nothing() -> None:
    assert ran("-c", WITHOUT_THE_EXTRA, "--version") == (0, f"queen {version('queen-mq')}\n", "")
