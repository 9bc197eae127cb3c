"""The replay of recordings notices every kind of difference: it is what the other contract tests stand on."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

import pytest

from tests.contract.replay.matching import difference
from tests.contract.replay.runner import problem_of
from tests.contract.replay.scenario import Scenario, at_path, filled
from tests.scripted_server import Answer, Drop, Hang, Received, Scripted, ScriptedServer, answers

UUID = "5f0c2a1b-3d4e-4f50-8a6b-7c8d9e0f1a2b"
MATCHING: List[Tuple[Any, Any]] = [
    (None, None), (True, True), (5, 5.0), ("a", "a"), ({"b": 1, "a": 2}, {"a": 2, "b": 1}), ([1, "x"], [1, "x"]),
    ("<uuid>", UUID), ("<uuid?>", None), ("<string>", ""), ("<string>", "a\nb"), ("<int>", -1), ("<number>", 1.5),
    ("<bool>", False), ("<array>", [1]), ("<object>", {"a": 1}), ("<any>", None), ("<any>", {"a": 1}),
    ("<timestamp>", "2026-01-31T10:20:30Z"), ("<timestamp>", "2026-01-31T10:20:30.123456Z"),
    ("<timestamp-s>", "2026-01-31T10:20:30Z"), ("<timestamp-ms>", "2026-01-31T10:20:30.123Z"),
    ("<timestamp-us>", "2026-01-31T10:20:30.123456Z"), ("<timestamp-tz>", "2026-01-31T10:20:30.1+00:00"),
    ("<timestamp-pg>", "2026-01-31 10:20:30.1+00"), ("id <uuid>, <int>!", f"id {UUID}, 7!"), ("a.<text>", "a.anything"),
    ("<unknown>", "<unknown>"),
    ({"<contains>": [2, "<string>"]}, [1, "x", 2]), ({"<contains>": []}, [1]), ({"<unordered>": [1, 2]}, [2, 1]),
    ({"<each>": {"n": "<int>"}, "<length>": 2}, [{"n": 1}, {"n": 2}]), ({"<each>": 1, "<length>": 0}, []),
    ({"<at-least>": {"a": 1}}, {"a": 1, "b": 2}), ({"<at-least>": {"a": {"b": 1}}}, {"a": {"b": 1, "c": 2}}),
]  # fmt: skip
DIFFERENT: List[Tuple[Any, Any]] = [
    (None, False), (None, 0), (True, 1), (1, True), (0, None), (5, 6), (5, "5"), ("5", 5), ("a", "b"), ("a", None),
    ({"a": 1}, {}), ({}, {"a": 1}), ({"a": {"b": 1}}, {"a": {"b": 2}}), ({"a": 1}, [1]), ([1, 2], [2, 1]),
    ([1], [1, 2]), ([1, 2], [1]), ([], {}), ("<uuid>", None), ("<uuid>", UUID.upper()), ("<uuid>", UUID + "0"),
    ("<uuid?>", ""), ("<string>", None), ("<string>", 1), ("<int>", 1.5), ("<int>", True), ("<int>", "1"),
    ("<number>", True), ("<bool>", 0), ("<array>", {}), ("<object>", []), ("<timestamp>", "2026-01-31 10:20:30Z"),
    ("<timestamp-s>", "2026-01-31T10:20:30.1Z"), ("<timestamp-ms>", "2026-01-31T10:20:30.1234Z"),
    ("<timestamp-us>", "2026-01-31T10:20:30.123Z"), ("<timestamp-tz>", "2026-01-31T10:20:30Z"),
    ("<timestamp-pg>", "2026-01-31T10:20:30+00"), ("id <uuid>", "id x"), ("a.b", "axb"), ("n<int>.", "n7."[:2]),
    ({"<contains>": [2, 2]}, [1, 2]), ({"<contains>": [3]}, [1, 2]), ({"<contains>": []}, {}),
    ({"<unordered>": [1, 2]}, [1, 2, 2]), ({"<unordered>": [1, 1]}, [1, 2]),
    ({"<each>": "<int>", "<length>": 2}, [1, "x"]), ({"<each>": "<int>", "<length>": 2}, [1]),
    ({"<at-least>": {"a": 1}}, {"b": 1}), ({"<at-least>": {"a": 1}}, {"a": 2}), ({"<at-least>": {}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "value"), MATCHING, ids=str)
def test_a_value_matches_its_pattern(pattern: Any, value: Any) -> None:
    assert difference(pattern, value) is None


@pytest.mark.parametrize(("pattern", "value"), DIFFERENT, ids=str)
def test_a_value_of_another_kind_does_not_match(pattern: Any, value: Any) -> None:
    assert difference(pattern, value) is not None


def test_a_difference_says_where_it_is_and_what_was_expected() -> None:
    assert difference({"a": [{"b": "<int>"}]}, {"a": [{"b": "x"}]}) == 'body.a[0].b: expected "<int>", got "x"'
    assert difference({"a": 1}, {"a": 1, "b": 2}) == "body: unexpected field 'b' = 2"
    assert difference({"a": 1}, {}) == "body.a: missing"


def test_names_are_filled_in_and_a_name_alone_keeps_its_type() -> None:
    captured = {"@run": "r1", "n": 5, "p": "x"}
    value = {"q-@run": ["${n}", "n${n}", "${p}-@run"], "list": {"<repeat>": {"id": "k${i}", "i": "${i}"}, "<times>": 2}}
    assert filled(value, captured) == {
        "q-r1": [5, "n5", "x-r1"],
        "list": [{"id": "k0", "i": 0}, {"id": "k1", "i": 1}],
    }


def test_a_path_leads_into_lists_from_both_ends() -> None:
    value = {"messages": [{"id": 1}, {"id": 2}]}
    assert (at_path(value, "messages[0].id"), at_path(value, "messages[-1].id")) == (1, 2)


def ok(body: Any = None, **rest: Any) -> Dict[str, Any]:
    return {"status": 200, "json": {} if body is None else body, **rest}


def get(path: str = "/x", **rest: Any) -> Dict[str, Any]:
    return {"method": "GET", "path": path, **rest}


def scenario(*steps: Mapping[str, Any]) -> Scenario:
    return Scenario("made-up", "0.15.1", [], list(steps))


async def held(answer: Answer, *steps: Mapping[str, Any]) -> Optional[str]:
    """What a conversation with a server that always answers the same finds."""
    async with ScriptedServer(lambda received: answer) as server:
        return await problem_of(server.url, scenario(*steps))


async def test_a_request_goes_out_byte_for_byte_on_a_connection_of_its_own() -> None:
    steps: List[Dict[str, Any]] = [
        {"request": get("/a%2Fb/%zz/é", query={"q": "x y/&é"}, headers={"x-a": "b"}), "response": ok()},
        {"request": {"method": "POST", "path": "/p", "json": {"é": 1}}, "response": ok()},
        {"request": {"method": "POST", "path": "/p", "raw": "{bad"}, "response": ok()},
    ]
    async with ScriptedServer(lambda received: answers({})) as server:
        assert await problem_of(server.url, scenario(*steps)) is None
    first, second, third = server.received
    assert first.target.encode("latin-1") == "/a%2Fb/%zz/é?q=x%20y%2F%26%C3%A9".encode()
    assert (first.headers["x-a"], first.body, "content-type" in first.headers) == ("b", b"", False)
    assert (second.body, second.headers["content-type"]) == ('{"é": 1}'.encode(), "application/json")
    assert third.body == b"{bad"
    assert [received.connection for received in server.received] == [1, 2, 3]


@pytest.mark.parametrize(
    ("answer", "response", "problem"),
    [
        (answers({}, 404), ok(), "status: expected 200, got 404 {}"),
        (answers({"a": 1}), ok({"a": 2}), "body.a: expected 2, got 1"),
        (Scripted(b"text"), ok(), "body: expected JSON, got 'text'"),
        (Scripted(b"text"), {"status": 200, "text": "test"}, "body: expected text 'test', got 'text'"),
        (Scripted(b"text"), {"status": 200, "text": ""}, "body: expected text '', got 'text'"),
        (answers({}, x_a="b"), ok(headers={"x-a": "c"}), "header x-a: expected 'c', got 'b'"),
        (answers({}), ok(headers={"x-a": "c"}), "header x-a: expected 'c', got None"),
        (answers({}, x_a="b"), ok(headers={"x-a": None}), "header x-a: expected None, got 'b'"),
        (answers({}), {"no_response_within_ms": 200}, "expected no response, got 200 {}"),
        (Drop(), ok(), "IncompleteReadError('0 bytes read on a total of undefined expected bytes')"),
        (Scripted(b"{}", headers={"content-length": "9"}, close=True), ok(), "IncompleteReadError"),
    ],
    ids=["status", "json", "no-json", "text", "not-empty", "header", "header-missing", "header-extra", "not-silent",
         "dropped", "cut-off"],
)  # fmt: skip
async def test_an_answer_that_is_not_as_recorded_is_told(
    answer: Answer, response: Dict[str, Any], problem: str
) -> None:
    found = await held(answer, {"request": get(), "response": response})
    assert found is not None
    assert found.startswith(f"step 1 GET /x: {problem}")


async def test_headers_match_as_texts_and_a_listed_absence_holds() -> None:
    response = ok(headers={"x-a": "id <int>", "x-b": None})
    assert await held(answers({}, x_a="id 5"), {"request": get(), "response": response}) is None


async def test_silence_is_as_recorded_when_nothing_comes() -> None:
    assert await held(Hang(), {"request": get(), "response": {"no_response_within_ms": 50}}) is None


@pytest.mark.parametrize(
    ("limits", "problem"), [([0, 5000], None), ([5000, 9000], "elapsed: expected 5000 to 9000 ms, took")]
)
async def test_an_answer_in_time_only_is_as_recorded(limits: List[int], problem: Optional[str]) -> None:
    found = await held(answers({}), {"request": get(), "response": ok(elapsed_ms=limits)})
    assert (found is None) if problem is None else (problem in str(found))


async def test_an_answer_that_is_too_late_is_told() -> None:
    async def later(received: Received) -> Answer:
        await asyncio.sleep(0.1)
        return answers({})

    async with ScriptedServer(later) as server:
        step = {"request": get(), "response": ok(elapsed_ms=[0, 50])}
        found = await problem_of(server.url, scenario(step))
    assert "elapsed: expected 0 to 50 ms, took 1" in str(found)


async def test_what_a_step_captures_goes_into_later_requests_and_answers() -> None:
    def script(received: Received) -> Answer:
        return answers({"id": "i1"} if received.method == "GET" else {"sent": received.json})

    steps: List[Dict[str, Any]] = [
        {"request": get(), "response": ok({"id": "<string>"}), "capture": {"id": "id"}},
        {"request": {"method": "POST", "path": "/${id}", "json": ["${id}"]}, "response": ok({"sent": ["${id}"]})},
    ]
    async with ScriptedServer(script) as server:
        assert await problem_of(server.url, scenario(*steps)) is None
    assert (server.received[1].target, json.loads(server.received[1].body)) == ("/i1", ["i1"])


async def test_a_capture_of_what_did_not_come_is_told() -> None:
    step = {"request": get(), "response": ok(), "capture": {"id": "messages[0].id"}}
    assert await held(answers({}), step) == "step 1 GET /x: KeyError('messages')"


async def test_a_background_request_is_under_way_while_later_steps_go_on() -> None:
    second_came = asyncio.Event()

    async def script(received: Received) -> Answer:
        if received.target == "/poll":
            await second_came.wait()
        second_came.set()
        return answers({"at": received.target})

    steps: List[Dict[str, Any]] = [
        {"background": "poll", "request": get("/poll")},
        {"request": get("/push"), "response": ok({"at": "/push"})},
        {"await": "poll", "response": ok({"at": "/poll"})},
    ]
    async with ScriptedServer(script) as server:
        assert await problem_of(server.url, scenario(*steps)) is None
    assert [received.target for received in server.received] == ["/poll", "/push"]


async def test_an_awaited_answer_that_is_not_as_recorded_is_told() -> None:
    steps = [{"background": "poll", "request": get("/poll")}, {"await": "poll", "response": ok({"a": 1})}]
    assert await held(answers({}), *steps) == "step 2 await poll: body.a: missing"


async def test_a_step_waits_before_its_request() -> None:
    started = time.monotonic()
    assert await held(answers({}), {"wait_ms": 150, "request": get(), "response": ok()}) is None
    assert time.monotonic() - started >= 0.15


async def test_an_aligned_request_goes_out_at_its_place_in_the_period() -> None:
    arrived: List[float] = []

    def script(received: Received) -> Answer:
        arrived.append(time.time())
        return answers({})

    planned = time.time() + 0.3
    align = {"every": 60_000, "offset": planned * 1000 % 60_000}
    async with ScriptedServer(script) as server:
        step = {"align": align, "request": get(), "response": ok()}
        assert await problem_of(server.url, scenario(step)) is None
    # Loops may wake a moment early by the clock on the wall.
    assert planned - 0.02 <= arrived[0] <= planned + 10


async def test_no_step_after_the_first_difference_is_sent() -> None:
    steps = [{"request": get("/a"), "response": ok([])}, {"request": get("/b"), "response": ok()}]
    async with ScriptedServer(lambda received: answers({})) as server:
        await problem_of(server.url, scenario(*steps))
    assert [received.target for received in server.received] == ["/a"]


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ([], None),
        (["auth", "encryption"], "needs a server set up for auth, encryption"),
    ],
)
def test_a_scenario_that_needs_a_special_server_is_skipped_with_the_reason(
    needs: List[str], reason: Optional[str]
) -> None:
    assert Scenario("made-up", "0.15.1", needs, []).skip_reason == reason


def test_a_scenario_tells_the_generation_of_its_server() -> None:
    servers = ("0.15.1", "0.7.4")
    assert [Scenario("made-up", server, [], []).generation for server in servers] == ["0.15", "0.7"]
