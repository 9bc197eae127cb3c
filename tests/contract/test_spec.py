"""The spec is sound, complete, and its examples are true."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Tuple

import pytest

pytest.importorskip("openapi_spec_validator", reason="the spec is checked where the generator runs")

from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contract.spec import DOCUMENT, Operation, invalid, operations

ALL = operations()
EACH = pytest.mark.parametrize("operation", ALL, ids=[operation.id for operation in ALL])


def test_it_is_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_operation_ids_are_used_once() -> None:
    identifiers = [operation.id for operation in ALL]
    assert len(set(identifiers)) == len(identifiers)


@EACH
def test_an_operation_says_what_clients_need_to_know(operation: Operation) -> None:
    raw = operation.raw
    assert raw["x-queen-since"] in ("0.7", "0.15")
    assert raw.get("x-queen-until") in (None, "0.7", "0.15")
    assert raw["x-queen-retry"] in ("safe", "keyed", "unsafe")
    assert raw["x-queen-refusal"] in ("raise", "result")
    assert raw.get("x-queen-empty") in (None, "array", "object")
    holds = operation.path.startswith("/api/v1/pop") or operation.path == "/api/v1/stream/poll"
    assert raw.get("x-queen-long-poll", False) == holds
    assert len(raw["tags"]) == 1
    assert raw["tags"][0] in [tag["name"] for tag in DOCUMENT["tags"]]
    assert raw["summary"].endswith(".")
    assert raw["description"].strip()


@EACH
def test_parameters_and_answers_are_described(operation: Operation) -> None:
    for parameter in operation.parameters:
        assert parameter["description"], parameter["name"]
        assert "example" in parameter, parameter["name"]
    in_path = {parameter["name"] for parameter in operation.parameters if parameter["in"] == "path"}
    assert in_path == {part.strip("{}") for part in operation.path.split("/") if part.startswith("{")}
    for status, response in operation.responses.items():
        assert response["description"], status


@EACH
def test_examples_satisfy_their_schemas(operation: Operation) -> None:
    body = operation.raw.get("requestBody")
    contents = [response.get("content", {}) for response in operation.responses.values()]
    medias = [content["application/json"] for content in contents if "application/json" in content]
    if body is not None:
        media = body["content"]["application/json"]
        assert "example" in media
        medias.append(media)
    assert "example" in operation.responses["200"]["content"]["application/json"]
    for media in medias:
        if "example" in media:
            assert invalid(media["schema"], media["example"]) is None
    for parameter in operation.parameters:
        assert invalid(parameter["schema"], parameter["example"]) is None


def examples(node: Any, where: str = "#") -> Iterator[Tuple[str, Dict[str, Any]]]:
    """All nodes with an example, wherever they are, with their places."""
    if isinstance(node, dict) and "example" in node:
        yield where, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        if key not in ("example", "default", "enum", "const"):
            yield from examples(child, f"{where}/{key}")


def test_every_example_anywhere_satisfies_the_schema_beside_it() -> None:
    found = dict(examples(DOCUMENT))
    assert len(found) >= 2 * len(ALL)
    # An example of a component schema is in the schema, one of a parameter or a body beside it.
    problems = {where: invalid(node.get("schema", node), node["example"]) for where, node in found.items()}
    assert {where: problem for where, problem in problems.items() if problem} == {}


def test_examples_are_written_where_the_tests_look_for_them() -> None:
    assert "'examples':" not in str(DOCUMENT)


def test_every_schema_is_used() -> None:
    text = str(DOCUMENT)
    unused = [name for name in DOCUMENT["components"]["schemas"] if f"#/components/schemas/{name}'" not in text]
    assert unused == []
