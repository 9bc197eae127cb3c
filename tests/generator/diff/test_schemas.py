"""A schema that changes breaks the one side when it is sent and the other when it is answered."""

from __future__ import annotations

import pytest

from tests.generator.diff.specs import Diff, findings, schema_spec

CALLERS, SERVERS, BOTH, NOBODY = "breaks callers", "breaks servers", "breaks callers, servers", "compatible"
CAT, DOG = '{$ref: "#/components/schemas/Cat"}', '{$ref: "#/components/schemas/Dog"}'
TEXT, PET = '{$ref: "#/components/schemas/Text"}', '{$ref: "#/components/schemas/Pet"}'
WITH_NAME = "{type: object, properties: {name: {type: string}}}"
CLOSED = "{type: object, additionalProperties: false}"
CLOSED_WITH_NAME = "{type: object, additionalProperties: false, properties: {name: {type: string}}}"
NAME_REQUIRED = "{type: object, required: [name], properties: {name: {type: string}}}"

# The old schema, the new one, whom that breaks in a request and in a response, and how it is told.
CHANGES = [
    ("{type: number}", "{type: integer}", CALLERS, SERVERS, ": type changed: number -> integer"),
    ("{type: integer}", "{type: number}", SERVERS, CALLERS, ": type changed: integer -> number"),
    ("{type: integer}", "{type: string}", BOTH, BOTH, ": type changed: integer -> string"),
    ("{}", "{type: string, maxLength: 3}", CALLERS, SERVERS, ": type added: string"),
    ("{type: string}", "{}", SERVERS, CALLERS, ": type removed: string"),
    ("{type: string}", "{type: [string, integer]}", SERVERS, CALLERS, ": alternative added: integer"),
    ("{type: string}", '{type: [string, "null"]}', SERVERS, CALLERS, ": nullable changed: false -> true"),
    (f'{{anyOf: [{CAT}, {{type: "null"}}]}}', CAT, CALLERS, SERVERS, ": nullable changed: true -> false"),
    ('{type: "null"}', '{type: ["null", string]}', SERVERS, CALLERS, ": alternative added: string"),
    ("{enum: [a, b]}", "{enum: [b]}", CALLERS, SERVERS, ': enum changed: ["a", "b"] -> ["b"]'),
    ("{enum: [a]}", "{enum: [b, a]}", SERVERS, CALLERS, ': enum changed: ["a"] -> ["b", "a"]'),
    ("{enum: [a, b]}", "{enum: [b, c]}", BOTH, BOTH, ': enum changed: ["a", "b"] -> ["b", "c"]'),
    ("{type: string}", "{type: string, enum: [a]}", CALLERS, SERVERS, ': enum added: ["a"]'),
    ("{const: a}", "{enum: [a, b]}", SERVERS, CALLERS, ': enum changed: ["a"] -> ["a", "b"]'),
    ("{const: true}", "{type: boolean}", SERVERS, CALLERS, ": enum removed: [true]"),
    ("{enum: [1]}", "{enum: [true]}", BOTH, BOTH, ": enum changed: [1] -> [true]"),
    (
        "{type: integer, format: int64}",
        "{type: integer, format: int32}",
        CALLERS,
        SERVERS,
        ": format changed: int64 -> int32",
    ),
    ("{type: integer, format: int32}", "{type: integer}", SERVERS, CALLERS, ": format removed: int32"),
    ("{type: string, format: date}", "{type: string, format: uuid}", BOTH, BOTH, ": format changed: date -> uuid"),
    ("{type: integer}", "{type: integer, minimum: 0}", CALLERS, SERVERS, ": minimum added: 0"),
    ("{type: integer, minimum: 0}", "{type: integer, minimum: -1}", SERVERS, CALLERS, ": minimum changed: 0 -> -1"),
    ("{type: integer, maximum: 9}", "{type: integer, maximum: 8}", CALLERS, SERVERS, ": maximum changed: 9 -> 8"),
    ("{type: string, maxLength: 9}", "{type: string}", SERVERS, CALLERS, ": maxLength removed: 9"),
    ("{type: string, pattern: a}", "{type: string, pattern: b}", BOTH, BOTH, ": pattern changed: a -> b"),
    (
        "{type: array, items: {}}",
        "{type: array, items: {}, uniqueItems: true}",
        CALLERS,
        SERVERS,
        ": uniqueItems added: true",
    ),
    (
        "{type: array, items: {type: number}}",
        "{type: array, items: {type: integer}}",
        CALLERS,
        SERVERS,
        "[]: type changed: number -> integer",
    ),
    (WITH_NAME, NAME_REQUIRED, CALLERS, SERVERS, ".name: property changed: optional -> required"),
    (NAME_REQUIRED, WITH_NAME, SERVERS, CALLERS, ".name: property changed: required -> optional"),
    (NAME_REQUIRED, "{type: object}", BOTH, CALLERS, ".name: property removed: required"),
    (WITH_NAME, "{type: object}", CALLERS, CALLERS, ".name: property removed: optional"),
    ("{type: object}", NAME_REQUIRED, CALLERS, SERVERS, ".name: property added: required"),
    ("{type: object}", WITH_NAME, NOBODY, NOBODY, ".name: property added: optional"),
    (CLOSED, CLOSED_WITH_NAME, SERVERS, NOBODY, ".name: property added: optional"),
    ("{type: object}", CLOSED, CALLERS, NOBODY, ": additionalProperties added: false"),
    (CLOSED, "{type: object}", SERVERS, NOBODY, ": additionalProperties removed: false"),
    (
        "{type: object, additionalProperties: {type: number}}",
        "{type: object, additionalProperties: {type: integer}}",
        CALLERS,
        SERVERS,
        ".*: type changed: number -> integer",
    ),
    (
        "{type: object, additionalProperties: {type: number}}",
        "{type: object}",
        SERVERS,
        CALLERS,
        ': additionalProperties removed: {"type": "number"}',
    ),
    (f"{{anyOf: [{CAT}, {DOG}]}}", CAT, CALLERS, SERVERS, ": alternative removed: Dog"),
    (f"{{oneOf: [{DOG}]}}", f"{{oneOf: [{CAT}, {DOG}]}}", SERVERS, CALLERS, ": alternative added: Cat"),
    (f"{{allOf: [{CAT}]}}", f"{{allOf: [{CAT}, {DOG}]}}", CALLERS, SERVERS, ".bark: property added: required"),
    (
        f"{{allOf: [{TEXT}, {{maxLength: 3}}]}}",
        f"{{allOf: [{TEXT}, {{maxLength: 2}}]}}",
        CALLERS,
        SERVERS,
        ": maxLength changed: 3 -> 2",
    ),
    (
        f"{{anyOf: [{TEXT}, {{type: array, items: {TEXT}}}]}}",
        f"{{anyOf: [{TEXT}, {{type: array, items: {{type: integer}}}}]}}",
        BOTH,
        BOTH,
        "<array>[]: type changed: string -> integer",
    ),
    ("{type: object}", "{type: object, not: {required: [a]}}", BOTH, BOTH, ': not added: {"required": ["a"]}'),
    ("{type: object}", "{type: object, x-queen-refused: true}", CALLERS, CALLERS, ": x-queen-refused added: true"),
]

# Other ways to say the same.
SAME = [
    ("{type: string}", TEXT),
    (CAT, NAME_REQUIRED),
    (PET, f"{{oneOf: [{DOG}, {CAT}]}}"),
    ("{const: a}", "{type: string, enum: [a]}"),
    ("{enum: [a, b]}", "{enum: [b, a]}"),
    ('{type: [string, "null"]}', f'{{anyOf: [{{type: "null"}}, {TEXT}]}}'),
    ("{type: [string, integer]}", "{anyOf: [{type: integer}, {type: string}]}"),
    ('{type: [string, "null"], enum: [a, null]}', "{enum: [null, a]}"),
    (f"{{allOf: [{CAT}, {{type: object}}]}}", CAT),
    ("{type: object}", "{type: object, additionalProperties: true}"),
    ("{type: array, items: {}}", "{type: array, items: true, uniqueItems: false}"),
]


@pytest.mark.parametrize(
    ("old", "new", "sent", "answered", "words"), CHANGES, ids=[f"{c[0]} -> {c[1]}" for c in CHANGES]
)
def test_a_change_is_judged_by_its_direction(
    diff: Diff, old: str, new: str, sent: str, answered: str, words: str
) -> None:
    status, report = diff(schema_spec(old), schema_spec(new))
    assert findings(report) == [f"{sent} request body.value{words}", f"{answered} response 200.value{words}"]
    assert status == (0 if sent == answered == NOBODY else 1)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_said_otherwise_is_no_change(diff: Diff, one: str, other: str) -> None:
    for old, new in ((one, other), (other, one)):
        assert diff(schema_spec(old), schema_spec(new)) == (0, "no changes\n")


def test_a_default_binds_who_leaves_the_value_out(diff: Diff) -> None:
    old, new = schema_spec("{type: integer, default: 1}"), schema_spec("{type: integer, default: 2}")
    assert findings(diff(old, new)[1]) == ["breaks callers request body.value: default changed: 1 -> 2"]
    untold = schema_spec("{type: integer}")
    assert findings(diff(untold, new)[1]) == ["compatible request body.value: default added: 2"]
    assert findings(diff(old, untold)[1]) == ["breaks callers request body.value: default removed: 1"]


def test_a_value_that_changes_its_type_is_not_looked_into(diff: Diff) -> None:
    old, new = schema_spec(NAME_REQUIRED), schema_spec("{type: array, items: {type: string}, maxItems: 3}")
    assert findings(diff(old, new)[1]) == [
        "breaks callers, servers request body.value: type changed: object -> array",
        "breaks callers, servers response 200.value: type changed: object -> array",
    ]


def test_more_types_of_fewer_values_break_both_sides(diff: Diff) -> None:
    assert findings(diff(schema_spec("{type: integer}"), schema_spec('{enum: [1, "a"]}'))[1]) == [
        "breaks servers request body.value: type removed: integer",
        'breaks callers request body.value: enum added: [1, "a"]',
        "breaks callers response 200.value: type removed: integer",
        'breaks servers response 200.value: enum added: [1, "a"]',
    ]


def test_a_change_of_one_of_several_alternatives_names_it(diff: Diff) -> None:
    old = schema_spec(PET)
    new = old.replace("bark: {type: boolean}", "bark: {type: string}")
    assert findings(diff(old, new)[1]) == [
        "breaks callers, servers request body.value<Dog>.bark: type changed: boolean -> string",
        "breaks callers, servers response 200.value<Dog>.bark: type changed: boolean -> string",
    ]
