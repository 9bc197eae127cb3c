"""Pairs of specs, and the command line that compares them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable, List, Tuple

import pytest

from generator.__main__ import main

BASE = (Path(__file__).resolve().parent / "base.yaml").read_text(encoding="utf-8")

# From an old and a new spec, and options, to the exit status and the report.
Diff = Callable[..., Tuple[int, str]]


def changed(*replacements: Tuple[str, str]) -> str:
    """The base with pieces of it replaced, each where it comes first."""
    text = BASE
    for before, after in replacements:
        assert before in text, before
        text = text.replace(before, after, 1)
    return text


def findings(report: str) -> List[str]:
    """The changes of a report, one line each, its operations left out."""
    return [" ".join(line.split()) for line in report.splitlines() if line.startswith("  ")]


def schema_spec(schema: str) -> str:
    """A spec with one operation, which takes and gives an object whose ``value`` has a schema."""
    return f"""\
openapi: 3.1.0
info: {{title: One, version: "1"}}
paths:
  /values:
    post:
      operationId: turn_value
      tags: [values]
      x-queen-since: "0.7"
      x-queen-retry: safe
      x-queen-refusal: raise
      requestBody:
        content:
          application/json:
            schema: {{type: object, properties: {{value: {schema}}}}}
      responses:
        "200":
          description: It, turned.
          content:
            application/json:
              schema: {{type: object, properties: {{value: {schema}}}}}
components:
  schemas:
    Cat: {{type: object, required: [name], properties: {{name: {{type: string}}}}}}
    Dog: {{type: object, required: [bark], properties: {{bark: {{type: boolean}}}}}}
    Text: {{type: string}}
    Pet: {{anyOf: [{{$ref: "#/components/schemas/Cat"}}, {{$ref: "#/components/schemas/Dog"}}]}}
"""


def compared(tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, *options: str) -> Tuple[int, str]:
    """The exit status and the report of ``python -m generator diff``."""
    for name, text in (("old.yaml", old), ("new.yaml", new)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    status = main(["diff", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml"), *options])
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out) if "json" in options else captured.out
    return status, captured.out
