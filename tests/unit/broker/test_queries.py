"""Streaming queries of the broker: how they are registered, and what of their state is read."""

from __future__ import annotations

import uuid
from typing import Any, Dict, List

import pytest

from queen.broker import ManualClock, open_broker
from tests.unit.broker.conftest import Api

NOT_A_TEXT: List[Any] = [None, 5, True, [], {}]
PARTITION = str(uuid.uuid4())


async def register(api: Api, config_hash: str = "h", **more: Any) -> Dict[str, Any]:
    body = {"name": "sums", "source_queue": "orders", "config_hash": config_hash, **more}
    answer: Dict[str, Any] = await api.call("POST", "/streams/v1/queries", body)
    return answer


async def query(api: Api, **state: Any) -> str:
    """The id of a query that has this state in the partition."""
    query_id = str((await register(api))["query_id"])
    changes = [{"type": "upsert", "key": key, "value": value} for key, value in state.items()]
    body = {"query_id": query_id, "partition_id": PARTITION, "state_ops": changes}
    assert (await api.call("POST", "/streams/v1/cycle", body))["success"]
    return query_id


async def rows(api: Api, query_id: str, **filters: Any) -> List[Dict[str, Any]]:
    body = {"query_id": query_id, "partition_id": PARTITION, **filters}
    answer = await api.call("POST", "/streams/v1/state/get", body)
    assert answer["success"], answer
    found: List[Dict[str, Any]] = answer["rows"]
    return found


async def keys(api: Api, query_id: str, **filters: Any) -> List[str]:
    return [row["key"] for row in await rows(api, query_id, **filters)]


async def refusal(api: Api, path: str, body: Any) -> Any:
    """The status of a refusal, and its text at a status other than 200."""
    response = await api.request("POST", path, body)
    if response.status_code == 200:
        answer = response.json()
        assert set(answer) == {"success", "error"}
        assert answer["success"] is False
        assert answer["error"]
        return 200
    return response.status_code, response.json()["error"]


async def test_a_query_keeps_its_id_and_its_state_under_the_same_hash(api: Api) -> None:
    query_id = await query(api, a=1)
    again = await register(api, sink_queue="totals", reset=True)
    assert again == {
        "success": True, "query_id": query_id, "name": "sums", "config_hash": "h", "fresh": False, "reset": False,
    }  # fmt: skip
    assert await keys(api, query_id) == ["a"]


async def test_another_hash_is_refused_and_changes_nothing(api: Api) -> None:
    query_id = await query(api, a=1)
    refused = await register(api, "other")
    assert (refused["success"], refused["query_id"]) == (False, query_id)
    assert "fresh" not in refused
    assert await keys(api, query_id) == ["a"]
    assert (await register(api))["success"], "the first hash is still the one"


async def test_a_reset_wipes_the_state_of_this_query_alone_in_all_partitions(api: Api) -> None:
    query_id = await query(api, a=1)
    elsewhere = str(uuid.uuid4())
    other = (await register(api, name="counts"))["query_id"]
    for query_of, partition in ((query_id, elsewhere), (other, PARTITION)):
        body = {"query_id": query_of, "partition_id": partition, "state_ops": [{"type": "upsert", "key": "b"}]}
        await api.call("POST", "/streams/v1/cycle", body)
    reset = await register(api, "other", reset=True)
    assert (reset["query_id"], reset["reset"], reset["fresh"]) == (query_id, True, False)
    assert await keys(api, query_id) == []
    assert await rows(api, query_id, partition_id=elsewhere) == []
    assert await keys(api, other) == ["b"]
    assert (await register(api, "other"))["success"]


@pytest.mark.parametrize(
    ("reset", "wiped"),
    [(True, True), ("yes", True), (" ON ", True), ("tr", True), (1, True), (False, False), ("off", False), (0, False),
     (None, False)],
)  # fmt: skip
async def test_what_reads_as_a_boolean_resets_or_does_not(api: Api, reset: Any, wiped: bool) -> None:
    await register(api)
    assert (await register(api, "other", reset=reset))["success"] is wiped


@pytest.mark.parametrize("reset", ["abc", "", "o", 2, 1.0, [], {}])
async def test_a_reset_that_is_no_boolean_is_refused_and_registers_nothing(api: Api, reset: Any) -> None:
    body = {"name": "sums", "source_queue": "orders", "config_hash": "h", "reset": reset}
    assert await refusal(api, "/streams/v1/queries", body) == 200
    assert (await register(api))["fresh"]


@pytest.mark.parametrize("value", [*NOT_A_TEXT, ""])
@pytest.mark.parametrize("key", ["name", "source_queue", "config_hash"])
async def test_a_registration_needs_three_texts(api: Api, key: str, value: Any) -> None:
    body = {"name": "sums", "source_queue": "orders", "config_hash": "h", key: value}
    assert await refusal(api, "/streams/v1/queries", body) == (400, f"{key} is required")


@pytest.mark.parametrize("sink", NOT_A_TEXT)
async def test_a_sink_of_any_type_is_tolerated(api: Api, sink: Any) -> None:
    assert (await register(api, sink_queue=sink))["fresh"]


@pytest.mark.parametrize("path", ["/streams/v1/cycle", "/streams/v1/state/get"])
@pytest.mark.parametrize("value", NOT_A_TEXT)
@pytest.mark.parametrize("key", ["query_id", "partition_id"])
async def test_ids_must_be_texts(api: Api, path: str, key: str, value: Any) -> None:
    body = {"query_id": PARTITION, "partition_id": PARTITION, key: value}
    assert await refusal(api, path, body) == (400, f"{key} is required")


@pytest.mark.parametrize("body", [[], "text", 5, None])
@pytest.mark.parametrize("path", ["/streams/v1/queries", "/streams/v1/cycle", "/streams/v1/state/get"])
async def test_a_body_must_be_an_object(api: Api, path: str, body: Any) -> None:
    expected = "Empty request body" if body is None else "request body must be a JSON object"
    assert await refusal(api, path, body) == (400, expected)


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/streams/v1/queries", {"name": "a\0", "source_queue": "q", "config_hash": "h"}),
        ("/streams/v1/queries", {"name": "a", "source_queue": "q\0", "config_hash": "h"}),
        ("/streams/v1/cycle", {"state_ops": [{"type": "upsert", "key": "k", "value": {"deep": ["\0"]}}]}),
        ("/streams/v1/cycle", {"push_items": [{"queue": "sink", "payload": {"\0": 1}}]}),
        ("/streams/v1/state/get", {"keys": ["\0"]}),
        ("/streams/v1/state/get", {"key_prefix": "\0"}),
    ],
)
async def test_a_zero_character_anywhere_refuses_the_request(api: Api, path: str, more: Dict[str, Any]) -> None:
    query_id = await query(api)
    body = {"query_id": query_id, "partition_id": PARTITION, **more}
    assert await refusal(api, path, body) == 200
    assert await keys(api, query_id) == []


async def test_a_row_tells_when_it_was_set(api: Api, clock: ManualClock) -> None:
    query_id = await query(api, whole={"n": [1, None]}, fraction=0)
    clock.advance(0.25)
    await query(api, fraction=2**64 - 1)
    assert await rows(api, query_id) == [
        {"key": "fraction", "value": 2**64 - 1, "updated_at": "2023-11-14T22:13:20.25+00:00"},
        {"key": "whole", "value": {"n": [1, None]}, "updated_at": "2023-11-14T22:13:20+00:00"},
    ]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("a", ["a%c", "a*c", "a[c]", "a\\c", "a_c", "abc"]), ("A", ["Abc"]), ("", "all"), ("%", "all"),
        ("a_c", ["a%c", "a*c", "a[c]", "a\\c", "a_c", "abc"]), ("%b", ["Abc", "abc"]), ("%C", []),
        ("a\\%", ["a%c"]), ("a\\_", ["a_c"]), ("a\\\\", ["a\\c"]), ("a*", ["a*c"]), ("a?", []), ("a[", ["a[c]"]),
        ("a[c]", ["a[c]"]), ("a\\b", ["abc"]), ("é_", ["éx\n"]), ("éx_", ["éx\n"]), ("a\\", []), ("ends\\", ["ends%"]),
        (5, ["5"]), (None, "all"), (["x"], []),
    ],
)  # fmt: skip
async def test_a_prefix_has_the_wildcards_of_like(api: Api, prefix: Any, found: Any) -> None:
    named = ["5", "Abc", "a%c", "a*c", "a[c]", "a\\c", "a_c", "abc", "ends%", "ends%more", "éx\n"]
    query_id = await query(api, **dict.fromkeys(named, 1))
    expected = named if found == "all" else found
    assert await keys(api, query_id, key_prefix=prefix) == expected


@pytest.mark.parametrize(
    ("limit", "found"),
    [(999, ["low", "negative"]), (1000, ["low", "negative", "whole"]), (-1, ["negative"]), (2**63 - 1, "numbers"),
     (None, "all"), ("1000", "all"), (True, "all"), ([1000], "all")],
)  # fmt: skip
async def test_only_ripe_windows_are_read(api: Api, limit: Any, found: Any) -> None:
    ends: Dict[str, Any] = {"low": 999, "negative": -5, "whole": 1000, "wide": 1000.5}
    others: Dict[str, Any] = {"flag": True, "none": None, "text": "1"}
    state = {key: {"windowEnd": end} for key, end in {**ends, **others}.items()}
    query_id = await query(api, **state, array=[1], number=1, without={"other": 1})
    expected = {"numbers": sorted(ends), "all": sorted([*state, "array", "number", "without"])}
    got = await keys(api, query_id, ripe_at_or_before=limit)
    assert got == (expected[found] if isinstance(found, str) else found)


@pytest.mark.parametrize("limit", [1500.5, 1500.0, 2**63, -(2**63) - 1])
async def test_a_limit_that_is_no_integer_of_64_bits_is_refused(api: Api, limit: Any) -> None:
    body = {"query_id": PARTITION, "partition_id": PARTITION, "ripe_at_or_before": limit}
    assert await refusal(api, "/streams/v1/state/get", body) == 200


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(["a", "5", "zz"], ["5", "a"]), ([5], ["5"]), ([True], ["true"]), ([None], []), ([], "all"), ("a", "all"),
     (None, "all"), ({"a": 1}, "all")],
)  # fmt: skip
async def test_keys_are_texts_or_what_they_read_as(api: Api, wanted: Any, found: Any) -> None:
    query_id = await query(api, **{"": 0, "5": 1, "a": 2, "true": 3})
    assert await keys(api, query_id, keys=wanted) == (["", "5", "a", "true"] if found == "all" else found)


async def test_all_filters_must_pass_and_state_belongs_to_query_and_partition(api: Api) -> None:
    query_id = await query(api, a1={"windowEnd": 1}, a2={"windowEnd": 9}, b1={"windowEnd": 1})
    assert await keys(api, query_id, keys=["a1", "a2", "b1"], key_prefix="a", ripe_at_or_before=5) == ["a1"]
    assert await keys(api, query_id, partition_id=str(uuid.uuid4())) == []
    assert await keys(api, str(uuid.uuid4())) == []
    assert await keys(api, query_id.upper(), keys=["b1"]) == ["b1"], "ids are ids, not texts"


@pytest.mark.parametrize("key", ["query_id", "partition_id"])
@pytest.mark.parametrize("value", ["", "bad"])
async def test_state_of_an_id_that_is_none_is_refused(api: Api, key: str, value: str) -> None:
    body = {"query_id": PARTITION, "partition_id": PARTITION, key: value}
    assert await refusal(api, "/streams/v1/state/get", body) == 200


async def test_queries_and_their_state_survive_in_a_file(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/queen.db"
    broker = open_broker(url)
    query_id = await query(Api(broker), a=1)
    await broker.close()
    again = open_broker(url, dialect="0.15")
    assert (await register(Api(again)))["query_id"] == query_id
    assert await keys(Api(again), query_id) == ["a"]
    await again.close()
