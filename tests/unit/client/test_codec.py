"""Payloads: what JSON cannot hold, or a server would corrupt, is refused before anything is sent."""

from __future__ import annotations

import enum
import subprocess
import sys
import uuid
from typing import Any, NamedTuple

import pytest

from queen import Queen
from tests.scripted_server import ScriptedServer, answers


class Colour(enum.Enum):
    RED = "red"


class Large(enum.IntEnum):
    NUMBER = 2**70


class Key(str, enum.Enum):
    NAME = "name"


class Point(NamedTuple):
    x: int
    y: int


class Celsius(float):
    pass


REFUSED = [
    ({"user": {"tags": [1, {2}]}}, TypeError, "items[0].data.user.tags[1] is {2}, a set"),
    ({"x": float("nan")}, ValueError, "items[0].data.x is nan, which JSON cannot hold"),
    ({"x": [float("-inf")]}, ValueError, "items[0].data.x[0] is -inf"),
    ([None, float("nan")], ValueError, "items[0].data[1] is nan"),
    ([Large.NUMBER], ValueError, "beyond the 64 bits"),
    ({"x": ({2: "y"},)}, TypeError, "items[0].data.x[0] has the key 2"),
    ({"x": 2**64}, ValueError, "items[0].data.x is 18446744073709551616, beyond the 64 bits"),
    ({"x": -(2**63) - 1}, ValueError, "beyond the 64 bits"),
    ({"x": "a\0b"}, ValueError, "items[0].data.x is 'a\\x00b', with U+0000"),
    ({"a\0": 1}, ValueError, "U+0000"),
    ({"x": "\ud800"}, ValueError, "lone surrogate"),
    ({1: "x"}, TypeError, "items[0].data has the key 1; keys of JSON objects are strings"),
    (b"bytes", TypeError, "items[0].data is b'bytes', a bytes"),
]


@pytest.mark.parametrize(("payload", "error", "words"), REFUSED, ids=[words for _, _, words in REFUSED])
async def test_a_payload_that_is_not_json_names_the_path_to_the_value(payload: Any, error: Any, words: str) -> None:
    async with ScriptedServer(lambda _: answers([])) as server, Queen(server.url) as queen:
        with pytest.raises(error) as raised:
            await queen.queue("q").push([{"data": payload}])
    assert words in str(raised.value)
    assert server.received == []


async def test_a_payload_that_holds_itself_is_refused() -> None:
    loop: Any = []
    loop.append(loop)
    async with Queen("http://127.0.0.1:1") as queen:
        with pytest.raises(ValueError, match="nested too deeply"):
            await queen.queue("q").push([{"data": loop}])


ACCEPTED = {
    "null": None,
    "words": "null NaN \\u0000",
    "numbers": [0, -1, 2**63, 2**64 - 1, -(2**63), 1.5, 1e21],
    "tuple": (1, 2),
    "uuid": uuid.UUID(int=7),
    "enum": Colour.RED,
    "named": Point(1, 2),
    "float": Celsius(20.5),
    "keys": {Key.NAME: 1},
    "text": "snow ☃ and \U0001f600",
}
ARRIVED = {
    **ACCEPTED,
    "tuple": [1, 2],
    "uuid": "00000000-0000-0000-0000-000000000007",
    "enum": "red",
    "named": [1, 2],
    "float": 20.5,
    "keys": {"name": 1},
}


async def test_what_json_can_say_arrives_unchanged(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": ACCEPTED}])
    [message] = await queen.queue(queue_name).pop()
    assert message.data == ARRIVED


def test_without_the_speed_extra_the_same_payloads_are_accepted_and_refused() -> None:
    program = """
import sys
sys.modules["orjson"] = None
import math, uuid, enum
from queen.transport import codec
assert codec._standard
from tests.unit.client.test_codec import ACCEPTED, ARRIVED, REFUSED
assert codec.decode(codec.encode(ACCEPTED, operation="push")) == ARRIVED
for payload, error, words in REFUSED:
    try:
        codec.encode({"items": [{"payload": payload}]}, operation="push")
    except error as raised:
        assert words.replace("data", "payload") in str(raised), raised
    else:
        raise AssertionError(payload)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
