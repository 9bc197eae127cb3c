"""The pages of the wire say of each operation what the spec says."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.site.operations import operations
from generator.site.wire_pages import wire_pages
from generator.spec import OperationFacts, load, schemas

SPEC = load(Path(__file__).resolve().parents[2] / "openapi" / "queen.yaml")
PAGES = wire_pages(SPEC)


def section(tag: str, operation: str) -> str:
    """The part of a page that is about one operation."""
    return PAGES[f"wire/{tag}.md"].partition(f"## `{operation}` ")[2].partition("\n## ")[0]


@pytest.mark.parametrize("facts", SPEC.operations.values(), ids=SPEC.operations.keys())
def test_every_operation_is_on_the_page_of_its_tag(facts: OperationFacts) -> None:
    shown = section(facts.tag, facts.id)
    assert f"\n{facts.method} {facts.path}\n" in shown
    assert ("public" if facts.access == "public" else f"`{facts.access}`") in shown
    assert f"]({facts.tag}.md#{facts.id})" in PAGES["wire/index.md"]


def test_a_push_has_its_body_its_answers_and_what_follows() -> None:
    shown = section("messages", "push")
    assert "- **`items`** (list of [`PushItem`](shapes.md#PushItem), required): The messages" in shown
    assert "- **`transactionId`** (string, at most 255 characters): Unique in its partition" in shown
    assert "- **201** [`PushResults`](shapes.md#PushResults): The list was empty" in shown
    assert "- **400** [`Error`](shapes.md#Error): The body is empty" in shown
    assert "- **Repeats**: safe when every item carries a transaction id" in shown
    assert "- [`pop_queue`](#pop_queue): What was pushed can be popped from its queue." in shown
    assert '"orderId": 12345' in shown


def test_a_pop_has_its_parameters() -> None:
    shown = section("messages", "pop_queue")
    assert "- **`queue`** (string, required): The queue's name, byte for byte." in shown
    assert "the server may hold back the answer (long poll)" in shown
    assert "- [`ack`](acks.md#ack): A message can be acknowledged." in shown


def test_servers_that_have_a_route_are_named() -> None:
    assert "- **Servers**: every server\n" in section("messages", "push")
    assert "- **Servers**: server 0.7 and before\n" in section("streams", "define_stream")
    assert "- **Servers**: server 0.15 and later\n" in section("system", "get_prometheus_metrics")


def test_every_named_type_is_on_the_page_of_shapes() -> None:
    shown = PAGES["wire/shapes.md"]
    for name, schema in schemas(SPEC.document).items():
        section = shown.partition(f"## `{name}` ")[2].partition("\n## ")[0]
        assert section, name
        assert all(f"**`{key}`**" in section for key in schema.get("properties", {})), name
    assert "List of [`PushResult`](shapes.md#PushResult)." in shown


def test_the_variants_of_a_body_are_all_listed() -> None:
    [commit] = [one for one in operations(SPEC) if one.facts.id == "commit"]
    names = [shape.name for shape in commit.body]
    assert names[0] == "TransactionRequest"
    assert {"TransactionPushOperation", "TransactionAckOperation"} <= set(names)
