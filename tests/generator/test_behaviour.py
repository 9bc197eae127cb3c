"""What a generated package does."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, ForwardRef, Iterator

import pytest
from typing_extensions import NotRequired

from generator.output import generate
from tests.generator.packages import SPEC, changed_spec, imported


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    package = tmp_path_factory.mktemp("fresh") / "small_api"
    generate(SPEC, package)
    with imported(package) as module:
        yield module


@pytest.fixture(scope="module")
def things(api: ModuleType) -> Any:
    return importlib.import_module("small_api.api.things")


@pytest.fixture(scope="module")
def parts(api: ModuleType) -> Any:
    return importlib.import_module("small_api.api.parts")


def replaced(parts: Any, **arguments: Any) -> Any:
    """A request with every required argument, and the given ones."""
    required: Dict[str, Any] = {
        "from_": "f",
        "part_id": "p",
        "kind": "part",
        "labels": [],
        "parent": None,
        "reason": "r",
    }
    return parts.replace_part(**{**required, **arguments})


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


def test_no_character_is_safe_in_a_query_but_the_unreserved_ones(things: Any) -> None:
    target = things.get_thing(thing_name="t", from_="/?#[]@!$&'()*+,;=:%\"\\ \n-._~aZ0").target
    assert target == ("/things/t?from=%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%25%22%5C%20%0A-._~aZ0")


def test_an_empty_text_in_a_query_is_given(things: Any) -> None:
    assert things.get_thing(thing_name="t", from_="").target == "/things/t?from="


def test_every_name_in_a_path_is_checked_and_none_is_encoded(parts: Any) -> None:
    assert replaced(parts, from_="a%2Fb", part_id="c:d").target == "/things/a%2Fb/parts/c:d?reason=r"
    with pytest.raises(ValueError, match=r"^from='a/b' cannot be addressed"):
        replaced(parts, from_="a/b")
    with pytest.raises(ValueError, match=r"^partId='' cannot be addressed"):
        replaced(parts, part_id="")


def test_a_required_query_argument_must_be_given_and_an_enum_goes_as_it_is(parts: Any) -> None:
    assert replaced(parts, level="low").target == "/things/f/parts/p?reason=r&level=low"
    with pytest.raises(TypeError, match="reason"):
        parts.replace_part(from_="f", part_id="p", kind="part", labels=[], parent=None)


def test_required_keys_are_always_in_the_body(parts: Any) -> None:
    assert replaced(parts).body == {"kind": "part", "labels": [], "parent": None}
    assert replaced(parts, labels=["x"], parent="y").body == {"kind": "part", "labels": ["x"], "parent": "y"}


def test_a_keyword_of_python_has_its_own_name_on_the_wire(parts: Any) -> None:
    assert replaced(parts, class_=1).body == {"kind": "part", "labels": [], "parent": None, "class": 1}


def test_free_form_json_may_be_null_and_may_be_left_out(api: Any, parts: Any) -> None:
    assert replaced(parts, data=None).body["data"] is None
    assert replaced(parts, data=[{"a": 1}]).body["data"] == [{"a": 1}]
    assert "data" not in replaced(parts, data=api.UNSET).body


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
    assert (operation.access, operation.media_type) == ("admin", "application/json")
    assert not operation.long_poll
    assert things.put_thing(name="n").operation.long_poll


def test_the_access_is_what_the_security_asks_for(api: Any) -> None:
    assert {operation.id: operation.access for operation in api.OPERATIONS} == {
        "count_parts": "public",
        "delete_thing": "admin",
        "get_thing": "read-only",
        "list_things": "public",
        "put_thing": "read-write",
        "replace_part": "read-write",
        "report_things": "read-only",
        "things_by_owner": "read-only",
    }


def test_the_operations_are_listed_once_by_their_ids(api: Any, things: Any) -> None:
    names = [operation.id for operation in api.OPERATIONS]
    assert names == sorted(set(names))
    assert things.list_things().operation in api.OPERATIONS


def test_every_operation_leads_to_the_function_of_its_name(api: Any) -> None:
    for operation in api.OPERATIONS:
        package = importlib.import_module(f"small_api.api.{operation.tag}")
        assert api.endpoint(operation) is getattr(package, operation.id)


def test_listing_the_operations_imports_no_endpoints(api: Any) -> None:
    program = "import sys, small_api; print(len(small_api.OPERATIONS), [m for m in sys.modules if '.api' in m])"
    place = str(Path(api.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", program], cwd=place, capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(api.OPERATIONS)} []\n"


def test_an_answer_of_text_is_promised_as_text(api: Any, things: Any) -> None:
    request = things.report_things()
    assert request.operation.media_type == "text/plain"
    assert request.parse(200, "a\nb") == "a\nb"
    with pytest.raises(api.UnexpectedAnswer, match="report_things promises a string, and the answer is an object"):
        request.parse(200, {})


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


def test_an_answer_of_the_wrong_kind_of_scalar_is_refused(api: Any, parts: Any) -> None:
    request = parts.count_parts()
    assert request.parse(200, 5) == 5
    for payload in (True, False, "5", None, [5]):
        with pytest.raises(api.UnexpectedAnswer, match="count_parts promises a number"):
            request.parse(200, payload)


def test_a_body_where_the_spec_promises_none_is_refused(api: Any, things: Any) -> None:
    with pytest.raises(api.UnexpectedAnswer, match="delete_thing promises nothing, and the answer is an object"):
        things.delete_thing(thing_name="t").parse(204, {})


def test_each_status_has_its_own_kinds(api: Any, parts: Any) -> None:
    request = replaced(parts)
    assert request.parse(200, [{}]) == [{}]
    assert request.parse(204, None) is None
    with pytest.raises(api.UnexpectedAnswer, match="promises nothing"):
        request.parse(204, [{}])
    with pytest.raises(api.UnexpectedAnswer, match="the answer is nothing"):
        request.parse(200, None)


def test_an_empty_body_stands_for_a_new_value_each_time(things: Any) -> None:
    request = things.list_things()
    request.parse(200, None).append("x")
    assert request.parse(200, None) == []


def test_docstrings_that_end_in_a_quote_or_a_backslash_keep_it(parts: Any) -> None:
    assert parts.__doc__.strip() == 'What things have: "parts"'
    assert parts.replace_part.__doc__.startswith('Replace what is called "a part"\n')
    assert parts.count_parts.__doc__ == "Count what is under \\"


def test_a_key_of_a_schema_keeps_its_quotes_and_backslashes(api: Any) -> None:
    models = importlib.import_module("small_api.models")
    assert list(models.Keywords.__annotations__) == ["from", "class", "with space", 'quoted "key" \\']


def test_models_that_name_each_other_in_a_circle_import(tmp_path: Path) -> None:
    parent = 'parent: {type: [string, "null"]}'
    spec = changed_spec(tmp_path, parent, "parent: {$ref: '#/components/schemas/Keywords'}")
    keyword = 'class: {type: [integer, "null"]}'
    spec.write_text(spec.read_text().replace(keyword, "class: {$ref: '#/components/schemas/Thing'}", 1))
    package = tmp_path / "round_api"
    generate(spec, package)
    with imported(package):
        models = importlib.import_module("round_api.models")
        assert models.Thing.__annotations__["parent"] == ForwardRef("Keywords", module="round_api.models")
        assert models.Keywords.__annotations__["class"] == NotRequired[models.Thing]


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
