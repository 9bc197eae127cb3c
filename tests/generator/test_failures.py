"""What cannot be generated is a failure that names it, and leaves what was there as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.failure import GenerationError
from generator.output import generate
from tests.generator.packages import changed_spec

GET = "GET /things/{thingName}: "
RATIO = "schema: {type: number}}"
NAME = "schema: {type: string}}"
WEIRD = "description: Owners and their things.\n          content:\n            application/json:"
TEXT = "            text/plain:\n              schema: {type: string}\n"
READ_ONLY = "security: [{}, {bearer: [read-only]}]"
SECURITY = "accepted are [] and [{}, {bearer: [read-only | read-write | admin]}]"
LEVEL = "    Level:\n      type: string\n      enum: [low, high]\n"
LOOP = '    Loop: {type: object, additionalProperties: {$ref: "#/components/schemas/Loop"}}\n'
LIST = 'schema: {$ref: "#/components/schemas/Things"}'
FAILURES = [
    ("x-queen-retry: safe\n", "x-queen-retry: perhaps\n", GET + "x-queen-retry is 'perhaps'"),
    ("      x-queen-retry: safe\n", "", GET + "x-queen-retry is missing"),
    ("      x-queen-refusal: raise\n", "", GET + "x-queen-refusal is missing"),
    ('      x-queen-since: "0.7"\n', "", GET + "x-queen-since is missing"),
    ("x-queen-empty: array", "x-queen-empty: nothing", "GET /things: x-queen-empty is 'nothing'"),
    ("x-queen-long-poll: true", "x-queen-long-poll: often", "POST /things: x-queen-long-poll is not true or false"),
    (
        "operationId: list_things",
        "operationId: get_thing",
        "'get_thing' is used by /things/{thingName} too",
    ),
    ("operationId: list_things", "operationId: listThings", "operationId 'listThings' is no function name"),
    ("tags: [things]", "tags: [things, more]", GET + "exactly one tag is needed"),
    ("sizes: {type: array, items: {type: number}}", "sizes: {type: array}", "schema /components/schemas/Thing"),
    (
        'parent: {type: [string, "null"]}',
        "parent: {$ref: '#/components/schemas/Nowhere'}",
        "schema /components/schemas/Thing",
    ),
    (
        'owner: {$ref: "#/components/schemas/Either"}',
        "owner: {type: object, properties: {x: {}}}",
        "schema PutThingOwner is declared inline",
    ),
    (
        "description: The name., schema: {type: string}}",
        "description: The name., content: {}}",
        "WARNING parsing " + GET[:-2],
    ),
    ("tags: [things]", "tags: []", GET + "exactly one tag is needed"),
    ('x-queen-since: "0.7"', "x-queen-since: 0.10", GET + "x-queen-since is 0.1, which is no string"),
    (
        'x-queen-until: "0.9"',
        "x-queen-until: 0.10",
        "DELETE /things/{thingName}: x-queen-until is 0.1, which is no string",
    ),
    ("x-queen-refusal: raise", "x-queen-refusal: ignore", GET + "x-queen-refusal is 'ignore'"),
    ("operationId: get_thing", "operationId: class", GET + "operationId 'class' is no function name"),
    ("  /by-owner:\n    get:", "  /by-owner:\n    head:", "HEAD /by-owner: the method is not supported"),
    ("name: withParts, in: query", "name: withParts, in: header", "get_thing: parameter withParts was dropped"),
    (RATIO, "schema: {type: array, items: {type: string}}}", "get_thing: parameter ratio is no string, number"),
    (RATIO, 'schema: {type: [number, "null"]}}', "get_thing: parameter ratio is no string, number"),
    (NAME, "schema: {type: integer}}", "get_thing: parameter thingName is not text"),
    ('"204": {description: It is gone.}', '"404": {description: None.}', "delete_thing: no 2xx response is declared"),
    (
        WEIRD,
        WEIRD.replace("json", "x-weird"),
        "GET /by-owner: the answers are application/x-weird; accepted is application/json or text/plain",
    ),
    (
        TEXT,
        TEXT + TEXT.replace("text/plain", "application/json"),
        "GET /things/report: the answers are application/json, text/plain; accepted is",
    ),
    (TEXT, TEXT.replace("string", "integer"), "report_things: an answer of text/plain is a string"),
    (f"      {READ_ONLY}\n", "", GET + "security is missing; " + SECURITY),
    (READ_ONLY, "security: [{bearer: []}]", GET + "security is [{'bearer': []}]; " + SECURITY),
    (READ_ONLY, READ_ONLY.replace("only", "all"), GET + "security is [{}, {'bearer': ['read-all']}]; " + SECURITY),
    (LEVEL, "    Level:\n      type: array\n", "Unable to parse schema /components/schemas/Level"),
    (
        "    Level:\n",
        "    levels: {type: object, properties: {a: {type: string}}}\n    Level:\n",
        "schema levels would be",
    ),
    ("    Level:\n", LOOP + "    Level:\n", "schema Loop is made of itself"),
    ('schema: {$ref: "#/components/schemas/PutThing"}', LIST, "put_thing: a request body must be an object"),
    ("openapi: 3.1.0", "openapi: [", "small.yaml is no YAML"),
]


@pytest.mark.parametrize(("before", "after", "words"), FAILURES, ids=[words for _, _, words in FAILURES])
def test_a_spec_that_cannot_be_generated_from_fails_by_name(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    output = tmp_path / "out" / "small_api"
    output.mkdir(parents=True)
    (output / "kept.py").write_text("# as it was\n")
    with pytest.raises(GenerationError) as raised:
        generate(changed_spec(tmp_path, before, after), output)
    assert words in str(raised.value)
    assert [path.name for path in output.iterdir()] == ["kept.py"]
    assert (output / "kept.py").read_bytes() == b"# as it was\n"
    assert [path.name for path in output.parent.iterdir()] == ["small_api"]


def test_all_problems_of_a_spec_are_told_at_once(tmp_path: Path) -> None:
    copy = changed_spec(tmp_path, "x-queen-retry: safe", "x-queen-retry: perhaps")
    copy.write_text(copy.read_text().replace('      x-queen-until: "0.9"\n      x-queen-retry: unsafe\n', "", 1))
    with pytest.raises(GenerationError) as raised:
        generate(copy, tmp_path / "small_api")
    assert raised.value.problems == [
        GET + "x-queen-retry is 'perhaps'; accepted are safe, keyed, unsafe",
        "DELETE /things/{thingName}: x-queen-retry is missing",
    ]


def test_nothing_is_written_when_there_was_nothing(tmp_path: Path) -> None:
    spec = changed_spec(tmp_path, *FAILURES[0][:2])
    with pytest.raises(GenerationError):
        generate(spec, tmp_path / "small_api")
    assert [path.name for path in tmp_path.iterdir()] == [spec.name]
