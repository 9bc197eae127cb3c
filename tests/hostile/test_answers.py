"""Whatever a server answers, a call gives a value or one of our errors."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from typing import Any, Iterator, List, Tuple, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queen import ProtocolError, Queen, QueenError
from queen.transport import codec
from tests.hostile.driver import driver, in_a_loop_of_its_own
from tests.hostile.recorded import CALLS, ONLY_WITH_STREAMS, OPTIONS, Recording, record
from tests.hostile.values import SEEDED
from tests.scripted_server import Answer, Received, ScriptedServer, answers

Path = Tuple[Union[str, int], ...]
JUNK: List[Any] = [
    None, True, False, 0, -1, 5, 2**70, 1.5, "", "x", "\0", "2026-01-31T10:20:30Z", [], {}, [None], [5], [[]], ["x"],
    [{}], {"error": 5}, {"error": "no"}, {"": None},
]  # fmt: skip
# JSON that is no answer to anything.
OTHER_JSON = [b"", b"null", b"0", b'"text"', b"true", b"[null]", b"[[]]", b"[{}]", b"{}", b'{"messages": 5}']
# What is no JSON that a server may send, byte for byte.
NO_JSON = [
    b"nul", b"[", b'{"a":', b"\xff\xfe\x00", b'"\xed\xa0\x80"', b'{"a": NaN}', b"[Infinity]", b"-", b"<html>",
    b"[" * 1000 + b"]" * 1000, b"[" * 100_000, b'{"a":' * 2000 + b"1" + b"}" * 2000, b"1" * 5000, b"[1e999]",
    b'{"success":true,"success":false}', b'{"error": "\\ud800"}', b"\0" * 100,
]  # fmt: skip


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths to all that is in a value."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def spoiled(value: Any, path: Path, how: Any) -> Any:
    """A copy of a value in which what is at a path is gone, doubled, or something else."""
    if not path:
        return how if how not in ("gone", "doubled") else [value, value] if how == "doubled" else None
    first, *rest = path
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if rest or how not in ("gone", "doubled"):
        copy[first] = spoiled(value[first], tuple(rest), how)
    elif how == "gone":
        del copy[first]
    elif isinstance(copy, list):
        copy.append(copy[first])
    else:
        copy[str(first) + "2"] = copy[first]
    return copy


def recordings(dialects: Tuple[str, ...]) -> List[Any]:
    return [
        pytest.param(name, dialect, id=f"{name}, {dialect}")
        for dialect in dialects
        for name in CALLS
        if dialect != "0.15" or name not in ONLY_WITH_STREAMS
    ]


@pytest.mark.parametrize("queue", ["", "a/b", "..", "\0"])
async def test_a_group_on_a_queue_that_no_path_can_name_is_not_moved_in_part(queue: str) -> None:
    def script(received: Received) -> Answer:
        if received.method == "GET":
            return answers({"q": {"partitions": []}, queue: {"partitions": []}})
        return answers({"success": True, "partitionsUpdated": 1})

    async with ScriptedServer(script) as server:
        async with Queen(server.url, dialect="0.15") as queen:
            with pytest.raises(ProtocolError, match=r"get_group: .* a queue of the group"):
                await queen.update_consumer_group_timestamp("g", "2026-01-31T10:20:30Z")
        assert not [received for received in server.received if "seek" in received.target]


@functools.lru_cache(maxsize=None)
def recorded_once(name: str, dialect: str) -> Recording:
    return in_a_loop_of_its_own(record(name, dialect))


async def ends_well(call: Any, queen: Any) -> None:
    with contextlib.suppress(QueenError):
        await asyncio.wait_for(call(queen), 5)


@pytest.mark.parametrize(("name", "dialect"), recordings(("0.15", "0.7")))
def test_a_spoiled_answer_is_a_value_or_an_error_of_ours(name: str, dialect: str) -> None:
    recording = recorded_once(name, dialect)
    values = [json.loads(body or b"null") for body in recording.bodies]
    places = st.integers(0, len(values) - 1)

    @settings(SEEDED, max_examples=40)
    @given(st.data())
    def holds(data: Any) -> None:
        place = data.draw(places)
        path = data.draw(st.sampled_from(list(paths(values[place]))))
        how = data.draw(st.sampled_from([*JUNK, "gone", "gone", "gone", "doubled"]))
        body = json.dumps(spoiled(values[place], path, how)).encode()
        with driver(recording.player(place, body), **OPTIONS, dialect=None) as there:
            there.run(ends_well(CALLS[name], there.queen))

    holds()


@pytest.mark.parametrize(("name", "dialect"), recordings(("0.15",)))
def test_an_answer_of_another_kind_is_a_value_or_an_error_of_ours(name: str, dialect: str) -> None:
    recording = recorded_once(name, dialect)
    for body in OTHER_JSON:
        with driver(recording.player(len(recording.bodies) - 1, body), **OPTIONS) as there:
            there.run(ends_well(CALLS[name], there.queen))


@pytest.mark.parametrize("standard", [False, True], ids=["orjson", "json"])
@pytest.mark.parametrize("body", NO_JSON, ids=lambda body: repr(body[:16]))
@pytest.mark.parametrize("name", ["push", "pop", "overview"])
def test_a_body_that_is_no_json_is_an_error_of_ours(
    name: str, body: bytes, standard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if standard:
        monkeypatch.setattr(codec, "_loads", codec._standard_loads)
    recording = recorded_once(name, "0.15")
    with driver(recording.player(len(recording.bodies) - 1, body), **OPTIONS) as there:
        try:
            there.run(asyncio.wait_for(CALLS[name](there.queen), 5))
        except QueenError as error:
            raised = error
        else:
            raised = None
    if json_of(body) is None:
        assert isinstance(raised, ProtocolError)
        assert raised.operation
        assert len(raised.excerpt) <= 200
        assert raised.maybe_delivered


def json_of(body: bytes) -> Any:
    """What a body holds, or None where it is no JSON."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=lambda _: {}["no constant"])
    except (ValueError, KeyError, RecursionError):
        return None
