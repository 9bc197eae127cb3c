"""The check: any difference between the spec and the output is found and named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generator.output import check, generate
from tests.generator.packages import ROOT, SPEC, changed_spec


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "small_api"
    generate(SPEC, folder)
    return folder


def test_what_was_just_written_is_clean(output: Path) -> None:
    assert check(SPEC, output) == []


def test_a_one_word_change_of_the_spec_is_found(output: Path, tmp_path: Path) -> None:
    changed = changed_spec(tmp_path, "Look at a thing.", "Look at one thing.")
    problems = "\n".join(check(changed, output))
    assert "spec.sha256 is not the fingerprint" in problems
    assert "get_thing.py differs" in problems
    assert '-    """Look at a thing.' in problems


def test_a_change_of_a_comment_in_the_spec_is_found(output: Path, tmp_path: Path) -> None:
    changed = changed_spec(tmp_path, "paths:", "# a comment\npaths:")
    assert "spec.sha256 is not the fingerprint" in "\n".join(check(changed, output))


def test_an_edit_by_hand_is_found(output: Path) -> None:
    models = output / "models.py"
    models.write_text(models.read_text().replace("name: str", "name: int", 1))
    [problem] = check(SPEC, output)
    assert "models.py differs" in problem
    assert "-    name: int" in problem


def test_a_missing_and_an_extra_file_are_found(output: Path) -> None:
    (output / "py.typed").unlink()
    (output / "helper.py").write_text("")
    assert [problem.split(" ", 1)[1] for problem in check(SPEC, output)] == [
        "is missing",
        "is not generated; remove it",
    ]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_command_line_writes_checks_and_fails(tmp_path: Path) -> None:
    places = ["--spec", str(SPEC), "--output", str(tmp_path / "small_api")]
    assert command("generate", *places).returncode == 0
    assert command("check", *places).returncode == 0
    (tmp_path / "small_api" / "py.typed").write_text("x")
    failed = command("check", *places)
    assert failed.returncode == 1
    assert "py.typed differs" in failed.stderr
