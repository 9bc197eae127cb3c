"""What a stream is defined by, and what is refused."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from queen import Queen, UnsupportedByServerError
from tests.scripted_server import Scripted, ScriptedServer
from tests.unit.client.streams.windows import define


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda queen: queen.stream("a b", "n"), ValueError, "name='a b'"),
        (lambda queen: queen.stream("s", ""), ValueError, "namespace is empty"),
        (lambda queen: queen.stream("s", "n").sources("events"), TypeError, "list of queue names"),
        (lambda queen: queen.stream("s", "n").tumbling_time(0), ValueError, "tumbling_time=0"),
        (lambda queen: queen.stream("s", "n").tumbling_time(float("nan")), ValueError, "out of range"),
        (lambda queen: queen.stream("s", "n").grace_period(-1), ValueError, "grace_period=-1"),
        (lambda queen: queen.stream("s", "n").lease_timeout("60"), TypeError, "number of seconds"),
        (lambda queen: queen.consumer("s", ""), ValueError, "consumer_group is empty"),
    ],
)
def test_arguments_are_checked(build: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as raised:
        build(Queen("http://127.0.0.1:1"))
    assert words in str(raised.value)


async def test_a_stream_without_sources_is_refused(queen: Queen) -> None:
    with pytest.raises(ValueError, match="needs queues"):
        await queen.stream("s", "n").define()


async def test_sources_that_do_not_exist_are_a_warning(queen: Queen, caplog: pytest.LogCaptureFixture) -> None:
    await queen.queue("there").create()
    with caplog.at_level(logging.WARNING, "queen"):
        await queen.stream("s", "n").sources(["there", "not-there"]).define()
    assert "['not-there']" in caplog.text


async def test_a_partitioned_stream_refuses_to_be_moved(queen: Queen) -> None:
    await define(queen, partitioned=True)
    with pytest.raises(ValueError, match="partitioned"):
        await queen.consumer("s", "g").seek("2026-01-31T10:20:00Z")


async def test_a_server_without_streams_is_named() -> None:
    async with ScriptedServer(lambda _: Scripted(b"<html>", 404)) as server, Queen(server.url) as queen:
        with pytest.raises(UnsupportedByServerError, match=r"servers 0\.7 have POST /api/v1/stream/define"):
            await queen.stream("s", "n").sources(["q"]).define()
