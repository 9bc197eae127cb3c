"""Operations, their addresses, parameters, answers and extensions: what changed, and whom it breaks."""

from __future__ import annotations

from typing import List, Tuple

import pytest

from tests.generator.diff.specs import BASE, Diff, changed, findings

Replacement = Tuple[str, str]

LIMIT = "        - {name: limit, in: query, description: How many., schema: {type: integer, default: 100}}\n"
ORDER = '        - {name: order, in: query, required: true, schema: {$ref: "#/components/schemas/Order"}}\n'
FOUND = '        "404": {$ref: "#/components/responses/Nothing"}\n'
BODY = BASE[BASE.index("      requestBody:") : BASE.index("      responses:", BASE.index("      requestBody:"))]
ADD = BASE[BASE.index("    post:") : BASE.index("components:")]
SAFE, SINCE, UNTIL = "x-queen-retry: safe", 'x-queen-since: "0.7"', '      x-queen-until: "0.15"\n'
TITLE = "title: {type: string, maxLength: 80}"

# What is replaced in the base, and what is told of it.
CHANGES: List[Tuple[str, List[Replacement], List[str]]] = [
    ("operation removed", [(ADD, "")], ["breaks callers operation removed: add_book"]),
    (
        "operation renamed",
        [("operationId: list_books", "operationId: list_all_books")],
        ["breaks callers operationId changed: list_books -> list_all_books"],
    ),
    (
        "path changed",
        [("/shelves/{shelf}/books", "/shelves/{shelf}/volumes")],
        ["breaks callers, servers path changed: /shelves/{shelf}/books -> /shelves/{shelf}/volumes"] * 2,
    ),
    (
        "method changed",
        [("    post:\n", "    put:\n")],
        ["breaks callers, servers method changed: POST -> PUT"],
    ),
    ("tag changed", [("tags: [books]", "tags: [shelves]")], ['breaks callers tags changed: ["books"] -> ["shelves"]']),
    ("later version", [(SINCE, 'x-queen-since: "0.15"')], ["breaks callers x-queen-since changed: 0.7 -> 0.15"]),
    ("earlier version", [(SINCE, 'x-queen-since: "0.6"')], ["breaks servers x-queen-since changed: 0.7 -> 0.6"]),
    ("ends sooner", [(UNTIL, UNTIL.replace("15", "7"))], ["breaks callers x-queen-until changed: 0.15 -> 0.7"]),
    ("ends no more", [(UNTIL, "")], ["breaks servers x-queen-until removed: 0.15"]),
    ("less safe", [(SAFE, "x-queen-retry: keyed")], ["breaks callers x-queen-retry changed: safe -> keyed"]),
    (
        "safer",
        [("x-queen-retry: keyed", "x-queen-retry: safe")],
        ["breaks servers x-queen-retry changed: keyed -> safe"],
    ),
    (
        "held back",
        [(SAFE, f"{SAFE}\n      x-queen-long-poll: true")],
        ["breaks callers x-queen-long-poll added: true"],
    ),
    (
        "refusal",
        [("x-queen-refusal: raise", "x-queen-refusal: result")],
        ["breaks callers x-queen-refusal changed: raise -> result"],
    ),
    (
        "empty answer",
        [("x-queen-empty: array", "x-queen-empty: object")],
        ["breaks callers x-queen-empty changed: array -> object"],
    ),
    ("other extension", [(SAFE, f"{SAFE}\n      x-colour: red")], []),
    ("role raised", [("[read-write]", "[admin]")], ["breaks callers role changed: read-write -> admin"]),
    ("role lowered", [("[read-write]", "[read-only]")], ["breaks servers role changed: read-write -> read-only"]),
    (
        "role of all that name none",
        [("security: [{}, {bearer: [read-only]}]", "security: []")],
        ["breaks servers role changed: read-only -> public"],
    ),
    (
        "security of other kinds",
        [("[{}, {bearer: [read-write]}]", "[{bearer: [write:books]}]")],
        ['breaks callers, servers security changed: [{}, {"bearer": ["read-write"]}] -> [{"bearer": ["write:books"]}]'],
    ),
    (
        "token needed",
        [("[{}, {bearer: [read-write]}]", "[{bearer: [read-write]}]")],
        ["breaks callers token changed: optional -> required"],
    ),
    (
        "security scheme",
        [("type: http, scheme: bearer", "type: http, scheme: basic")],
        ["breaks callers, servers security scheme bearer: scheme changed: bearer -> basic"],
    ),
    (
        "optional parameter added",
        [(LIMIT, LIMIT + LIMIT.replace("limit", "offset"))],
        ["compatible query parameter offset: parameter added: optional"],
    ),
    (
        "required parameter added",
        [(ORDER, ORDER + ORDER.replace("order", "by"))],
        ["breaks callers query parameter by: parameter added: required"],
    ),
    (
        "optional parameter removed",
        [(LIMIT, "")],
        ["breaks callers query parameter limit: parameter removed: optional"],
    ),
    (
        "required parameter removed",
        [(ORDER, "")],
        ["breaks callers, servers query parameter order: parameter removed: required"],
    ),
    (
        "parameter required",
        [("name: limit, in: query", "name: limit, in: query, required: true")],
        ["breaks callers query parameter limit: parameter changed: optional -> required"],
    ),
    (
        "parameter optional",
        [("name: order, in: query, required: true", "name: order, in: query")],
        ["breaks servers query parameter order: parameter changed: required -> optional"],
    ),
    (
        "parameter moved",
        [("name: limit, in: query", "name: limit, in: header")],
        ["breaks callers, servers query parameter limit: in changed: query -> header"],
    ),
    (
        "parameter of a path renamed",
        [("/shelves/{shelf}", "/shelves/{case}"), ("name: shelf", "name: case"), ("name: shelf", "name: case")],
        ["breaks callers path parameter shelf: name changed: shelf -> case"] * 2,
    ),
    (
        "parameter's default",
        [("default: 100", "default: 50")],
        ["breaks callers query parameter limit: default changed: 100 -> 50"],
    ),
    (
        "parameter's enum, by reference",
        [("enum: [title, author]", "enum: [title]")],
        ['breaks callers query parameter order: enum changed: ["title", "author"] -> ["title"]'],
    ),
    (
        "parameter written otherwise",
        [("name: limit, in: query", "name: limit, in: query, style: form")],
        ["breaks callers, servers query parameter limit: style added: form"],
    ),
    (
        "body removed",
        [(BODY, "")],
        [
            "breaks callers, servers request body: request body removed: required",
        ],
    ),
    (
        "body optional",
        [("        required: true\n        content", "        content")],
        [
            "breaks servers request body: request body changed: required -> optional",
        ],
    ),
    (
        "body's content type",
        [(BODY, BODY.replace("application/json", "text/plain"))],
        [
            "breaks callers request body: content type removed: application/json",
            "breaks servers request body: content type added: text/plain",
        ],
    ),
    (
        "field of a body",
        [(TITLE, f"{TITLE}\n        year: {{type: integer}}")],
        [
            "compatible request body.year: property added: optional",
        ],
    ),
    (
        "failure added",
        [(FOUND, FOUND + FOUND.replace("404", "403"))],
        [
            "compatible response 403: response added: 403",
        ],
    ),
    ("failure removed", [(FOUND, "")], ["compatible response 404: response removed: 404"]),
    (
        "success added",
        [(FOUND, FOUND + FOUND.replace("404", "206"))],
        [
            "breaks callers response 206: response added: 206",
        ],
    ),
    (
        "success removed",
        [('        "204": {description: It was there.}\n', "")],
        [
            "breaks servers response 204: response removed: 204",
        ],
    ),
    (
        "header",
        [("{description: It was there.}", "{description: It was there., headers: {ETag: {schema: {}}}}")],
        [
            "compatible response 204 headers.etag: property added: optional",
        ],
    ),
    (
        "field of an answer, wherever it is answered",
        [("        id: {type: integer}\n", "        id: {type: string}\n")],
        [
            "breaks callers, servers response 200[].id: type changed: integer -> string",
            "breaks callers, servers response 200<Book>.id: type changed: integer -> string",
        ],
    ),
    (
        "schema renamed",
        [('"#/components/schemas/Order"', '"#/components/schemas/By"'), ("    Order: {", "    By: {")],
        ["breaks callers type removed: Order", "compatible type added: By"],
    ),
]


@pytest.mark.parametrize(("replacements", "told"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_change_is_told_with_whom_it_breaks(diff: Diff, replacements: List[Replacement], told: List[str]) -> None:
    status, report = diff(BASE, changed(*replacements))
    assert findings(report) == told
    assert status == int(any(line.startswith("breaks") for line in told))


def test_an_operation_added_breaks_nobody(diff: Diff) -> None:
    status, report = diff(changed((ADD, "")), BASE)
    assert (status, findings(report)) == (0, ["compatible operation added: add_book"])


def test_parameters_of_a_path_belong_to_its_operations(diff: Diff) -> None:
    shelf = "        - {name: shelf, in: path, required: true, description: The shelf., schema: {type: string}}\n"
    path = "  /shelves/{shelf}/books:\n"
    moved = changed((path, f"{path}    parameters:\n{shelf[4:]}"), (shelf, ""), ("      parameters:\n" + shelf, ""))
    assert diff(BASE, moved) == (0, "no changes\n")


def test_an_operation_is_the_same_under_a_new_name_at_its_old_address_only_if_the_old_name_is_gone(diff: Diff) -> None:
    swapped = changed(
        ("operationId: list_books", "operationId: found"),
        ("operationId: add_book", "operationId: list_books"),
        ("operationId: found", "operationId: add_book"),
    )
    told = findings(diff(BASE, swapped)[1])
    assert "breaks callers, servers method changed: GET -> POST" in told
    assert "breaks callers, servers method changed: POST -> GET" in told
    assert not any("operationId" in line for line in told)


def test_documents_without_names_and_extensions_are_compared_by_address(diff: Diff) -> None:
    plain = "openapi: 3.1.0\ninfo: {title: Plain, version: '1'}\npaths:\n"
    ping = "  /ping: {get: {responses: {'200': {description: pong}}}}\n"
    status, report = diff(plain + ping, plain + ping.replace("200", "204") + ping.replace("ping", "echo"))
    assert status == 1
    assert report == (
        "GET /ping\n"
        "  breaks servers          response 200: response removed: 200\n"
        "  breaks callers          response 204: response added: 204\n"
        "\n"
        "GET /echo\n"
        "  compatible              operation added: GET /echo\n"
        "\n"
        "changes: 3, breaking callers: 1, breaking servers: 1\n"
    )
