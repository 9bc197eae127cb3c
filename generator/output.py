"""The output folders: written as a whole or not at all, and compared with what would be generated now."""

from __future__ import annotations

import difflib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from generator.failure import GenerationError
from generator.project import write_package
from generator.spec import load
from generator.sync.package import write_sync_package

_EXCERPT_LINES = 20


def generate(spec: Path, output: Path) -> None:
    """Replace a folder by the package for a spec.

    Raises:
        GenerationError: nothing was written.
    """
    loaded = load(spec)
    _replace(output, lambda package: write_package(loaded, package))


def generate_sync(source: Path, output: Path) -> None:
    """Replace a folder by the sync client for the source of the async one.

    Raises:
        GenerationError: nothing was written.
    """
    _replace(output, lambda package: write_sync_package(source, package))


def check(spec: Path, output: Path) -> list[str]:
    """Compare a folder with what would be generated now.

    Returns:
        One line for each difference, with an excerpt; none when there is no difference.

    Raises:
        GenerationError: the spec cannot be generated from.
    """
    loaded = load(spec)
    problems: list[str] = []
    stored = output / "spec.sha256"
    if not stored.is_file() or stored.read_text(encoding="utf-8").strip() != loaded.sha256:
        problems.append(
            f"{stored} is not the fingerprint of {spec}: the spec was changed; run python -m generator generate"
        )
    return problems + _compared(output, lambda package: write_package(loaded, package))


def check_sync(source: Path, output: Path) -> list[str]:
    """Compare a folder with the sync client that would be generated now.

    Returns:
        As ``check``.

    Raises:
        GenerationError: the sync client cannot be generated.
    """
    return _compared(output, lambda package: write_sync_package(source, package))


def _replace(output: Path, write: Callable[[Path], None]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".generating-") as aside:
        fresh = _build(write, Path(aside) / output.name)
        if output.exists():
            output.rename(Path(aside) / "replaced")
        fresh.rename(output)


def _compared(output: Path, write: Callable[[Path], None]) -> list[str]:
    with tempfile.TemporaryDirectory() as aside:
        return _differences(output, _build(write, Path(aside) / output.name))


def _build(write: Callable[[Path], None], package: Path) -> Path:
    write(package)
    for command in (
        # Import order first; then everything as ruff formats it, whatever its configuration is around here.
        [
            "check",
            "--quiet",
            "--isolated",
            "--select",
            "I",
            "--fix",
            "--line-length",
            "120",
            "--target-version",
            "py38",
        ],
        ["format", "--quiet", "--isolated", "--line-length", "120", "--target-version", "py38"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", str(package)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise GenerationError([f"ruff {command[0]} refused the output: {done.stdout}{done.stderr}"])
    return package


def _differences(stored: Path, fresh: Path) -> list[str]:
    have, want = _files(stored), _files(fresh)
    problems = [f"{stored / name} is missing" for name in sorted(want - have)]
    problems += [f"{stored / name} is not generated; remove it" for name in sorted(have - want)]
    for name in sorted(have & want):
        before, after = (stored / name).read_bytes(), (fresh / name).read_bytes()
        if before != after:
            problems.append(f"{stored / name} differs:\n{_excerpt(before, after)}")
    return problems


def _files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _excerpt(before: bytes, after: bytes) -> str:
    # The ends of the lines are kept: they may be all that differs.
    old, new = (content.decode("utf-8", "backslashreplace").split("\n") for content in (before, after))
    lines = difflib.unified_diff(old, new, "stored", "generated", lineterm="", n=1)
    return "\n".join(f"    {line}".replace("\r", "\\r") for line in list(lines)[:_EXCERPT_LINES])
