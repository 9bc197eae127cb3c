"""The tests in the page on testing and in the README pass, the one that fails says so, and the program runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

from tests.testing.suites import STRICT, run

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def files() -> Dict[str, str]:
    """The blocks that are files, by name."""
    found = re.findall(r'```python title="(.*?)"\n(.*?)```', PAGE, re.DOTALL)
    assert [name for name, _ in found] == ["billing.py", "test_billing.py", "test_wrong.py"]
    return dict(found)


def test_the_tests_of_the_page_pass(pytester: pytest.Pytester) -> None:
    pytester.makeini(STRICT)
    pytester.syspathinsert()
    for name in ("billing.py", "test_billing.py"):
        pytester.path.joinpath(name).write_text(files()[name])
    run(pytester).assert_outcomes(passed=4)


def test_the_test_of_the_readme_passes(pytester: pytest.Pytester) -> None:
    pytester.makeini(STRICT)
    [(name, text)] = re.findall(r'```python title="(.*?)"\n(.*?)```', README, re.DOTALL)
    pytester.path.joinpath(name).write_text(text)
    run(pytester).assert_outcomes(passed=1)


def test_a_failure_looks_as_the_page_shows_it(pytester: pytest.Pytester) -> None:
    pytester.makeini(STRICT)
    pytester.path.joinpath("test_wrong.py").write_text(files()["test_wrong.py"])
    result = run(pytester)
    result.assert_outcomes(failed=1)
    [shown] = re.findall(r"ends with\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert shown in result.stdout.str() + "\n"


def test_the_program_of_the_page_runs() -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{'id': 1}\n", "")
