"""What is in the output folder, and what the command line says of it; more on the check is in test_check.py."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
import yaml

from generator.output import check, generate
from tests.generator.packages import ROOT, SPEC, changed_spec
from tests.generator.test_check import command
from tests.generator.test_golden import contents


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "small_api"
    generate(SPEC, folder)
    return folder


@pytest.mark.parametrize(
    ("spec", "package"),
    [("openapi/queen.yaml", "generated/queen_api"), ("tests/generator/small.yaml", "tests/generator/golden/small_api")],
)
def test_a_stored_package_has_the_fingerprint_of_its_spec(spec: str, package: str) -> None:
    expected = hashlib.sha256((ROOT / spec).read_bytes()).hexdigest()
    assert (ROOT / package / "spec.sha256").read_text() == expected + "\n"


def test_the_package_has_the_spec_as_json(output: Path) -> None:
    assert json.loads((output / "openapi.json").read_text()) == yaml.safe_load(SPEC.read_text())


def test_an_earlier_output_is_replaced_as_a_whole(output: Path) -> None:
    before = contents(output)
    (output / "left_over.py").write_text("x = 1\n")
    (output / "models.py").write_text("")
    generate(SPEC, output)
    assert contents(output) == before
    assert [path.name for path in output.parent.iterdir()] == ["small_api"]


def test_the_output_does_not_say_where_it_was_made(output: Path, tmp_path: Path) -> None:
    for name, content in contents(output).items():
        assert str(tmp_path).encode() not in content, name
        assert str(ROOT).encode() not in content, name


def test_other_ends_of_lines_are_found(output: Path) -> None:
    request = output / "request.py"
    request.write_bytes(request.read_bytes().replace(b"\n", b"\r\n"))
    [problem] = check(SPEC, output)
    assert "request.py differs" in problem
    assert "\\r" in problem


def test_a_file_that_is_no_text_is_found(output: Path) -> None:
    (output / "py.typed").write_bytes(b"\xff\xfe")
    [problem] = check(SPEC, output)
    assert "py.typed differs" in problem


def test_all_files_are_missing_where_there_is_no_output(output: Path, tmp_path: Path) -> None:
    problems = check(SPEC, tmp_path / "elsewhere" / "small_api")
    assert sum(problem.endswith("is missing") for problem in problems) == len(contents(output))


def test_the_check_changes_nothing(output: Path, tmp_path: Path) -> None:
    (output / "models.py").write_text("# by hand\n")
    before = contents(output)
    assert check(SPEC, output) != []
    assert contents(output) == before


def test_the_command_line_checks_the_stored_bindings_when_told_nothing() -> None:
    done = command("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"queen\.yaml says, and \S+queen_sync what \S+queen does\n$", done.stdout)


@pytest.mark.parametrize("name", ["generate", "check"])
def test_the_command_line_words_a_failure_without_a_traceback(tmp_path: Path, name: str) -> None:
    spec = changed_spec(tmp_path, "x-queen-retry: safe", "x-queen-retry: perhaps")
    done = command(name, "--spec", str(spec), "--output", str(tmp_path / "small_api"))
    words = "GET /things/{thingName}: x-queen-retry is 'perhaps'; accepted are safe, keyed, unsafe\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", words)


def test_the_command_line_knows_only_its_commands() -> None:
    assert command("write").returncode == 2
