"""The command line: exit statuses, both formats, and specs that cannot be read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from generator.__main__ import main
from tests.generator.diff.specs import BASE, Diff, changed
from tests.generator.packages import ROOT

RAISED = changed(("[read-write]", "[admin]"), ("maxLength: 80", "maxLength: 99"), ("Who wrote it.", "The author."))
LOOP = '    Loop: {$ref: "#/components/schemas/Loop"}\n'


def test_the_report_for_people(diff: Diff) -> None:
    status, report = diff(BASE, RAISED)
    assert status == 1
    assert report == (
        "add_book (POST /shelves/{shelf}/books)\n"
        "  breaks callers          role changed: read-write -> admin\n"
        "  breaks servers          request body.title: maxLength changed: 80 -> 99\n"
        "\n"
        "changes: 2, breaking callers: 1, breaking servers: 1\n"
    )


def test_the_report_as_json(diff: Diff, tmp_path: Path) -> None:
    status, report = diff(BASE, RAISED, "--format", "json")
    assert status == 1
    place = {"operation": "add_book", "method": "POST", "path": "/shelves/{shelf}/books"}
    kind = {"kind": "changed", "documentation": False}
    role = {"where": "", "subject": "role", "old": "read-write", "new": "admin", "breaks": ["callers"]}
    length = {"where": "request body.title", "subject": "maxLength", "old": 80, "new": 99, "breaks": ["servers"]}
    assert json.loads(report) == {
        "old": str(tmp_path / "old.yaml"),
        "new": str(tmp_path / "new.yaml"),
        "breaks": True,
        "summary": {"changes": 2, "breaksCallers": 1, "breaksServers": 1},
        "changes": [{**place, **kind, **role}, {**place, **kind, **length}],
    }


def test_json_tells_null_from_nothing(diff: Diff) -> None:
    integer = "type: integer, default: 100"
    old, new = (changed((integer, f'type: [integer, "null"], default: {value}')) for value in ("100", "null"))
    [change] = json.loads(diff(old, new, "--format", "json")[1])["changes"]
    assert (change["kind"], change["old"], change["new"]) == ("changed", 100, None)
    added = changed(("Refused:\n", "Other: {}\n    Refused:\n"))
    [change] = json.loads(diff(BASE, added, "--format", "json")[1])["changes"]
    assert (change["kind"], change["operation"], "old" in change) == ("added", None, False)


def test_words_are_listed_when_asked_for_and_break_nobody(diff: Diff) -> None:
    reworded = changed(("List books.", "List all books."), ("Who wrote it.", "The author."), ('"1"', '"2"'))
    assert diff(BASE, reworded) == (0, "no changes\n")
    status, report = diff(BASE, reworded, "--documentation")
    assert status == 0
    assert report == (
        "list_books (GET /shelves/{shelf}/books)\n"
        "  documentation           response 200[].author: description changed: Who wrote it. -> The author.\n"
        "  documentation           summary changed: List books. -> List all books.\n"
        "\n"
        "add_book (POST /shelves/{shelf}/books)\n"
        "  documentation           response 200<Book>.author: description changed: Who wrote it. -> The author.\n"
        "\n"
        "no operation\n"
        '  documentation           document: info changed: {"title": "Shelves", "version": "1"} -> '
        '{"title": "Shelves", "version": "2"}\n'
        "\n"
        "changes: 4, breaking callers: 0, breaking servers: 0\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("openapi: [", "is no YAML"),
        ("- a list", "is no OpenAPI document: it is not an object"),
        ("", "is no OpenAPI document: it is not an object"),
        ("title: no spec", "is no valid OpenAPI document: its version of OpenAPI is not known"),
        (
            changed(("paths:\n", "paths: []\nx-paths:\n")),
            'valid OpenAPI document: [] is not of type "object" at $.paths',
        ),
        (changed(("schemas/Order", "schemas/Odour")), "schemas/Odour"),
        (changed(("    Order: {", f"{LOOP}    Order: {{")), "a $ref leads back to itself"),
    ],
)
def test_a_spec_that_cannot_be_read_is_told_from_one_that_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(BASE, encoding="utf-8")
    bad.write_text(text, encoding="utf-8")
    for arguments in ([good, bad], [bad, good]):
        assert main(["diff", *map(str, arguments)]) == 2
        captured = capsys.readouterr()
        assert words in captured.err
        assert captured.out == ""


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]) == 2
    assert "old.yaml" in capsys.readouterr().err


def test_the_old_spec_may_come_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(RAISED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "generator", "diff", "/dev/stdin", str(tmp_path / "new.yaml")],
        input=BASE,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith("changes: 2, breaking callers: 1, breaking servers: 1\n")
