"""The languages of the pages' blocks that are not run as Python, and how each is checked."""

from __future__ import annotations

import ast
import configparser
import json
from typing import Callable, Dict

import pytest

from tests.docs.commands import check_command, commands_in


def _bash(text: str) -> None:
    for line in commands_in(text):
        check_command(line)


def _yaml(text: str) -> None:
    yaml = pytest.importorskip("yaml")
    assert [document for document in yaml.safe_load_all(text) if document], "it says nothing"


def _ini(text: str) -> None:
    # Units of systemd may say a key twice.
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string(text)
    assert parser.sections(), "it says nothing"


def _http(text: str) -> None:
    first, _, rest = text.partition("\n")
    head, _, body = rest.partition("\n\n")
    method, target, version = first.split(" ", 2)
    assert version == "HTTP/1.1" or method == "HTTP/1.1", first
    assert target, first
    assert all(": " in line for line in head.splitlines() if line), head
    if body.strip():
        json.loads(body)


def _other_library(text: str) -> None:
    ast.parse(text)


def _text(text: str) -> None:
    assert text.strip(), "it is empty"


CHECKS: Dict[str, Callable[[str], None]] = {
    "": _text,  # drawings
    "bash": _bash,  # commands that change the machine: what they name must exist
    "python3": _other_library,  # programs of other libraries, shown beside ours; they are not installed here
    "yaml": _yaml,  # parsed
    "ini": _ini,  # parsed
    "json": json.loads,  # parsed
    "http": _http,  # a start line, headers, and JSON
    "text": _text,  # for people: drawings, messages, names
}
