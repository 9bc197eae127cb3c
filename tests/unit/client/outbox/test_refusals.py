"""What a server refuses for good stays in front and in the file, until its user takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest

from queen import Queen, QueenBufferError
from queen.errors import PushRejectedError
from tests.scripted_server import ScriptedServer, answers
from tests.unit.client.outbox.outboxes import durable, in_file, leave
from tests.unit.client.pushes import payloads, refusing


async def test_what_is_refused_stays_in_the_file_and_is_told_at_flush_and_close(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    async with ScriptedServer(refusing("too big", payload="bad")) as server:
        queen = Queen(server.url, retry_delay_millis=60_000)
        queue = queen.queue("q").buffer(durable(path))
        await queue.push([{"data": "good"}, {"data": "bad"}, {"data": "also good"}])
        with pytest.raises(QueenBufferError, match="too big") as flushed:
            await queen.flush_all_buffers()
        assert [item["data"] for item in flushed.value.unsent] == ["bad"]
        await queue.push([{"data": "behind"}])
        with pytest.raises(QueenBufferError, match=r"too big.*; those of an outbox stay in its file") as closed:
            await queen.close()
        # What is behind it is safe in the file, and not refused.
        assert [item["data"] for item in closed.value.unsent] == ["bad"]
    assert in_file(path) == ["bad", "behind"]


async def test_what_is_refused_is_logged_as_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await leave(tmp_path / "outbox.db", "bad")
    caplog.clear()
    async with ScriptedServer(refusing("too big", payload="bad")) as server:
        queen = Queen(server.url)
        with pytest.raises(QueenBufferError):
            await queen.recover_outbox(tmp_path / "outbox.db")
        with pytest.raises(QueenBufferError):
            await queen.close()
    assert any(record.levelname == "ERROR" and "too big" in record.getMessage() for record in caplog.records)


async def test_a_callback_takes_what_is_refused_out_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    taken: List[Any] = []
    async with ScriptedServer(refusing("too big", payload="bad")) as server, Queen(server.url) as queen:
        push = queen.queue("q").buffer(durable(path)).push([{"data": "good"}, {"data": "bad"}])
        await push.on_error(lambda items, error: taken.append([item["payload"] for item in items]))
        await queen.flush_all_buffers()
    assert taken == [["bad"]]
    assert in_file(path) == []


async def test_what_a_callback_did_not_take_stays_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"

    def fail(items: Any, error: Exception) -> None:
        raise OSError("the disk of the user")

    async with ScriptedServer(refusing("too big", payload="bad")) as server, Queen(server.url) as queen:
        await queen.queue("q").buffer(durable(path)).push([{"data": "bad"}]).on_error(fail)
        await queen.flush_all_buffers()
        await queen.queue("q").buffer(durable(path)).push([{"data": "next"}])
        await queen.flush_all_buffers()
        assert payloads(server) == [["bad"], ["next"]]
    assert in_file(path) == ["bad"]


async def test_the_next_process_can_take_out_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    await leave(path, 1, "bad", 2)
    taken: List[Any] = []
    async with ScriptedServer(refusing("too big", payload="bad")) as server, Queen(server.url) as queen:

        def take(items: Any, error: Exception) -> None:
            assert isinstance(error, PushRejectedError)
            taken.extend(item["payload"] for item in items)

        assert await queen.recover_outbox(path, on_error=take) == 3
        await queen.queue("q").buffer(durable(path)).push([{"data": 3}])
        await queen.flush_all_buffers()
        assert payloads(server) == [[1, "bad", 2], [3]]
    assert taken == ["bad"]
    assert in_file(path) == []


async def test_what_blocks_a_partition_already_can_be_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    await leave(path, "bad", 1)
    taken: List[Any] = []
    async with ScriptedServer(refusing("too big", payload="bad")) as server:
        async with Queen(server.url, retry_delay_millis=60_000) as queen:
            await queen.queue("q").buffer(durable(path, message_count=1)).push([{"data": 2}])
            with pytest.raises(QueenBufferError, match="too big"):
                await queen.flush_all_buffers()
            await queen.recover_outbox(path, on_error=lambda items, error: taken.extend(items))
            await queen.flush_all_buffers()
            assert payloads(server) == [["bad"], ["bad"], [1], [2]]
    assert [item["payload"] for item in taken] == ["bad"]
    assert in_file(path) == []


async def test_a_flush_of_the_last_portion_tells_of_what_is_refused_in_it(tmp_path: Path) -> None:
    await leave(tmp_path / "outbox.db", 1, 2, "bad")
    async with ScriptedServer(refusing("too big", payload="bad")) as server:
        queen = Queen(server.url, retry_delay_millis=60_000)
        with pytest.raises(QueenBufferError, match="1 messages are still buffered") as raised:
            await queen.recover_outbox(tmp_path / "outbox.db")
        assert [item["data"] for item in raised.value.unsent] == ["bad"]
        with pytest.raises(QueenBufferError):
            await queen.close()
    assert in_file(tmp_path / "outbox.db") == ["bad"]


async def test_a_wrong_token_loses_nothing(tmp_path: Path) -> None:
    async with ScriptedServer(lambda _: answers({"error": "no"}, 401)) as server:
        queen = Queen(server.url)
        await queen.queue("q").buffer(durable(tmp_path / "outbox.db")).push([{"data": 1}])
        with pytest.raises(QueenBufferError, match="stay in its file"):
            await queen.close()
    assert in_file(tmp_path / "outbox.db") == [1]
