"""Runs the unit tests on every supported Python that is on this machine, each in a virtual environment of its own.

``make test-all`` calls it. Interpreters are looked for on the PATH and under pyenv; those that are not there are
skipped, and the last lines say which ran.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Optional

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
ROOT = Path(__file__).resolve().parent.parent
TESTS = tuple(
    f"tests/{name}"
    for name in (
        "unit",
        "guide",
        "contract",
        "faults",
        "security",
        "hostile",
        "cancellation",
        "testing",
        "examples",
        "docs",
        "cli",
        "sync",
        "telemetry",
    )
)


def interpreter(version: str) -> Optional[str]:
    """An interpreter of this version that starts."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [str(path / "bin" / "python") for path in sorted(pyenv.glob(f"{version}.*"), reverse=True)]
    found = shutil.which(f"python{version}")
    for candidate in [*candidates, *([found] if found else [])]:
        command = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip() == version:
            return candidate
    return None


def run(version: str, python: str) -> bool:
    """Install and test; True when all passed."""
    folder = ROOT / ".venvs" / version
    inside = folder / "bin" / "python"
    if not inside.exists():
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
    install = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", ".[test]"]
    subprocess.run(install, cwd=ROOT, check=True)
    return subprocess.run([str(inside), "-m", "pytest", "-q", *TESTS], cwd=ROOT, check=False).returncode == 0


def main() -> int:
    """Run all; 1 when one failed or none ran."""
    results: Dict[str, str] = {}
    for version in VERSIONS:
        python = interpreter(version)
        if python is None:
            results[version] = "skipped: not on this machine"
            continue
        print(f"=== Python {version}", flush=True)
        results[version] = "passed" if run(version, python) else "FAILED"
    print("\n".join(f"Python {version}: {result}" for version, result in results.items()))
    ran = [result for result in results.values() if not result.startswith("skipped")]
    return 0 if ran and all(result == "passed" for result in ran) else 1


if __name__ == "__main__":
    sys.exit(main())
