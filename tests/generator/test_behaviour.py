"""What a generated package does."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Iterator

import pytest

from tests.generator.packages import GOLDEN, imported


@pytest.fixture(scope="module")
def api() -> Iterator[ModuleType]:
    with imported(GOLDEN) as package:
        yield package


@pytest.fixture(scope="module")
def things(api: ModuleType) -> Any:
    import importlib

    return importlib.import_module("small_api.api.things")


@pytest.mark.parametrize("name", ["plain", "user:42", "a@b", "x+y", "100%", "a%20b", "...", "~!$&'()*,;="])
def test_a_name_goes_into_the_path_byte_for_byte(things: Any, name: str) -> None:
    assert things.get_thing(thing_name=name).target == f"/things/{name}"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a?b", "a#b", "a b", "é", "a\n", "\x7f"])
def test_a_name_that_no_path_can_hold_is_refused(things: Any, name: str) -> None:
    with pytest.raises(ValueError, match=r"thingName=.*cannot be addressed by a path"):
        things.get_thing(thing_name=name)


def test_query_values_are_percent_encoded_and_what_is_not_given_is_left_out(things: Any) -> None:
    assert things.get_thing(thing_name="t").target == "/things/t"
    target = things.get_thing(thing_name="t", from_="a/b c&d=é", max_count=0, with_parts=False, ratio=0.5).target
    assert target == "/things/t?from=a%2Fb%20c%26d%3D%C3%A9&maxCount=0&withParts=false&ratio=0.5"
    assert things.get_thing(thing_name="t", with_parts=True).target == "/things/t?withParts=true"


def test_null_and_left_out_are_different_where_the_spec_says_so(api: Any, things: Any) -> None:
    assert things.put_thing(name="n").body == {"name": "n"}
    assert things.put_thing(name="n", note=None).body == {"name": "n"}
    assert things.put_thing(name="n", parent=None).body == {"name": "n", "parent": None}
    assert things.put_thing(name="n", parent=api.UNSET, note="x").body == {"name": "n", "note": "x"}
    assert not api.UNSET


def test_a_request_without_a_body_has_none(things: Any) -> None:
    assert things.get_thing(thing_name="t").body is None


def test_the_facts_of_an_operation_come_along(things: Any) -> None:
    operation = things.delete_thing(thing_name="t").operation
    assert (operation.id, operation.tag, operation.method, operation.path) == (
        "delete_thing",
        "things",
        "DELETE",
        "/things/{thingName}",
    )
    assert (operation.since, operation.until, operation.retry, operation.refusal) == ("0.7", "0.9", "unsafe", "result")
    assert not operation.long_poll
    assert things.put_thing(name="n").operation.long_poll


def test_arguments_are_given_by_name(things: Any) -> None:
    with pytest.raises(TypeError):
        things.get_thing("t")


@pytest.mark.parametrize(("status", "payload"), [(200, []), (200, [{"name": "n"}]), (200, None), (201, {"name": "n"})])
def test_a_promised_answer_is_returned_as_it_is(things: Any, status: int, payload: Any) -> None:
    assert things.put_thing(name="n").parse(status, payload) is payload


@pytest.mark.parametrize(
    ("status", "payload", "words"),
    [
        (200, {}, "put_thing promises a list or nothing, and the answer is an object"),
        (200, "text", "the answer is a string"),
        (201, None, "put_thing promises an object, and the answer is nothing"),
        (202, {}, "status 202 is not in the API"),
    ],
)
def test_another_answer_is_refused(api: Any, things: Any, status: int, payload: Any, words: str) -> None:
    with pytest.raises(api.UnexpectedAnswer, match=words) as raised:
        things.put_thing(name="n").parse(status, payload)
    assert (raised.value.status, raised.value.payload, raised.value.operation.id) == (status, payload, "put_thing")


def test_an_empty_body_is_what_the_spec_says_it_stands_for(things: Any) -> None:
    assert things.list_things().parse(200, None) == []
    assert things.things_by_owner().parse(200, None) == {}
    assert things.delete_thing(thing_name="t").parse(204, None) is None


def test_docstrings_are_the_specs_words(things: Any) -> None:
    text = things.get_thing.__doc__
    assert text.startswith("Look at a thing.")
    assert 'A description with "quotes", a back\\slash and """three quotes""".' in text
    assert "max_count: A number." in text
    assert "404: There is none." in text


def test_requests_cannot_be_changed(things: Any) -> None:
    request = things.list_things()
    with pytest.raises(AttributeError):
        request.target = "/elsewhere"
    assert not hasattr(request, "__dict__")
