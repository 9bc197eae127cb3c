"""The program in the README runs as it stands there; it says all in a page.

Its commands are run by tests/cli/test_document.py, its test by tests/testing/test_document.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_first_program_of_the_readme_runs() -> None:
    [program] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    [output] = re.findall(r'```text title="Output"\n(.*?)```', README.read_text(encoding="utf-8"), re.DOTALL)
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")
