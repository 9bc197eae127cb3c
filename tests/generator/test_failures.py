"""What cannot be generated is a failure that names it, and leaves what was there as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.failure import GenerationError
from generator.output import generate
from tests.generator.packages import changed_spec

GET = "GET /things/{thingName}: "
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
    ("sizes: {type: array, items: {type: number}}", "sizes: {type: array}", "Thing"),
    ('parent: {type: [string, "null"]}', "parent: {$ref: '#/components/schemas/Nowhere'}", "Nowhere"),
    ('owner: {$ref: "#/components/schemas/Either"}', "owner: {type: object, properties: {x: {}}}", "inline"),
    ("description: The name., schema: {type: string}}", "description: The name., content: {}}", "thingName"),
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
    assert [path.name for path in output.parent.iterdir()] == ["small_api"]
