"""What a durable buffer accepted is in a file until a server has it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest

from queen import Queen, QueenBufferError
from tests.scripted_server import Answer, Drop, Received, Scripted, ScriptedServer
from tests.unit.client.outbox.outboxes import NOWHERE, Storing, durable, files_in, in_file, leave
from tests.unit.client.pushes import items_of, payloads, queued, queued_after, stored


async def test_a_push_has_returned_when_its_messages_are_in_the_file(tmp_path: Path) -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(tmp_path / "outbox.db"))
        assert await queue.push([{"data": 1}, {"data": 2}]) == {"buffered": True, "count": 2}
        # What another process would find if this one were killed now.
        for name in ("outbox.db", "outbox.db-wal"):
            shutil.copyfile(tmp_path / name, tmp_path / f"crashed-{name}")
    assert in_file(tmp_path / "crashed-outbox.db") == [1, 2]


async def test_what_the_server_has_leaves_the_file(tmp_path: Path) -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(tmp_path / "outbox.db"))
        await queue.push([{"data": 1}])
        await queen.flush_all_buffers()
        assert payloads(server) == [[1]]
    assert in_file(tmp_path / "outbox.db") == []


async def test_messages_go_on_their_way_as_without_a_file(queen: Queen, queue_name: str, tmp_path: Path) -> None:
    options = {"durable": str(tmp_path / "outbox.db"), "message_count": 7, "time_millis": 1}
    for number in range(100):
        await queen.queue(queue_name).buffer(options).push([{"data": number}])
    await queen.flush_all_buffers()
    assert await stored(queen, queue_name) == list(range(100))


async def test_what_is_left_is_sent_by_the_next_client_before_its_own(tmp_path: Path) -> None:
    await leave(tmp_path / "outbox.db", 1, 2, 3)
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(tmp_path / "outbox.db"))
        await queue.push([{"data": 4}])
        await queen.flush_all_buffers()
        assert payloads(server) == [[1, 2, 3], [4]]
    assert in_file(tmp_path / "outbox.db") == []


async def test_what_is_left_is_sent_in_portions_in_order(tmp_path: Path) -> None:
    await leave(tmp_path / "outbox.db", *range(7))
    await leave(tmp_path / "outbox.db", "other", partition="p")
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(tmp_path / "outbox.db", message_count=3))
        await asyncio.gather(*(queue.push([{"data": number}]) for number in (7, 8)))
        await queen.flush_all_buffers()
        assert [payload for payload in payloads(server) if payload != ["other"]] == [[0, 1, 2], [3, 4, 5], [6], [7, 8]]
        assert ["other"] in payloads(server)


async def test_a_program_can_wait_until_what_is_left_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    await leave(path, 1, 2)
    await leave(path, 3, partition="p")
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        assert await queen.recover_outbox(path) == 3
        assert sorted(payloads(server)) == [[1, 2], [3]]
        assert await queen.recover_outbox(str(path)) == 0
    assert in_file(path) == []


async def test_what_was_left_is_counted_though_the_server_has_it_at_once(tmp_path: Path) -> None:
    async with Queen("memory://") as queen:
        counts = []
        for number in range(5):
            path = tmp_path / f"{number}.db"
            await leave(path, 1, 2, 3)
            counts.append(await queen.recover_outbox(path))
    assert counts == [3] * 5


async def test_waiting_for_a_server_that_is_away_fails_and_loses_nothing(tmp_path: Path) -> None:
    await leave(tmp_path / "outbox.db", 1, 2)
    queen = Queen(NOWHERE, timeout_millis=50, retry_attempts=0)
    with pytest.raises(QueenBufferError, match="2 messages are still buffered") as raised:
        await queen.recover_outbox(tmp_path / "outbox.db")
    assert [item["data"] for item in raised.value.unsent] == [1, 2]
    await queen.close()
    assert in_file(tmp_path / "outbox.db") == [1, 2]


async def test_closing_leaves_the_rest_in_the_file_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await leave(tmp_path / "outbox.db", 1, 2)
    assert in_file(tmp_path / "outbox.db") == [1, 2]
    [line] = [record.getMessage() for record in caplog.records if "Outbox.close" in record.getMessage()]
    assert str(tmp_path / "outbox.db") in line
    assert "'messages': 2" in line


async def test_a_push_that_is_being_written_when_the_client_closes_is_kept(tmp_path: Path) -> None:
    async with ScriptedServer(queued) as server:
        queen = Queen(server.url)
        pushing = asyncio.ensure_future(queen.queue("q").buffer(durable(tmp_path / "outbox.db")).push([{"data": 1}]))
        await asyncio.sleep(0)
        await queen.close()
        assert await pushing == {"buffered": True, "count": 1}
        assert [*payloads(server), in_file(tmp_path / "outbox.db")] == [[1], []]


async def test_a_push_that_is_cancelled_is_taken_all_the_same_or_not_at_all(tmp_path: Path) -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(tmp_path / "outbox.db"))
        pushing = asyncio.ensure_future(queue.push([{"data": "cancelled"}]))
        await asyncio.sleep(0)
        pushing.cancel()
        await queue.push([{"data": "next"}])
        with pytest.raises(asyncio.CancelledError):
            await pushing
        await queen.flush_all_buffers()
        assert payloads(server) == [["cancelled", "next"]]
    assert in_file(tmp_path / "outbox.db") == []


async def test_a_pusher_that_waits_for_room_has_nothing_in_the_file(tmp_path: Path) -> None:
    release = asyncio.Event()

    async with ScriptedServer(queued_after(release)) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(tmp_path / "outbox.db", message_count=1, max_size=2))
        await queue.push([{"data": 1}])
        await queue.push([{"data": 2}])
        third = asyncio.ensure_future(queue.push([{"data": 3}]))
        fourth = asyncio.ensure_future(queue.push([{"data": 4}]))
        await asyncio.wait_for(server.arrived.wait(), 5)
        assert queen.get_buffer_stats()["totalBufferedMessages"] == 2
        third.cancel()
        release.set()
        await fourth
        await queen.flush_all_buffers()
        assert payloads(server) == [[1], [2], [4]]


async def test_the_statistics_count_what_is_in_the_file(tmp_path: Path) -> None:
    await leave(tmp_path / "outbox.db", *range(5))
    release, asked = asyncio.Event(), asyncio.Event()

    async def answer(received: Received) -> Answer:
        asked.set()
        await release.wait()
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        await queen.queue("q").buffer(durable(tmp_path / "outbox.db", message_count=2)).push([{"data": 5}])
        await asyncio.wait_for(asked.wait(), 5)
        stats = queen.get_buffer_stats()
        assert (stats["activeBuffers"], stats["totalBufferedMessages"]) == (1, 6)
        release.set()
        await queen.flush_all_buffers()
        assert queen.get_buffer_stats()["totalBufferedMessages"] == 0


async def test_what_is_left_is_not_read_into_memory_at_once(tmp_path: Path) -> None:
    await leave(tmp_path / "outbox.db", *range(50))
    queen = Queen(NOWHERE, timeout_millis=50, retry_attempts=0)
    await queen.queue("q").buffer(durable(tmp_path / "outbox.db", message_count=5, max_size=5)).push([{"data": 50}])
    with pytest.raises(QueenBufferError) as raised:
        await queen.flush_all_buffers()
    assert [item["data"] for item in raised.value.unsent] == [0, 1, 2, 3, 4, 50]
    await queen.close()
    assert in_file(tmp_path / "outbox.db") == list(range(51))


async def test_a_batch_whose_answer_was_lost_by_a_former_process_is_no_duplicate(tmp_path: Path) -> None:
    server_side = Storing()

    def lost(received: Received) -> Answer:
        server_side(received)
        return Drop()

    path = tmp_path / "outbox.db"
    async with ScriptedServer(lost) as server:
        queen = Queen(server.url, timeout_millis=100, retry_attempts=0)
        await queen.queue("q").buffer(durable(path)).push([{"data": 1}])
        await queen.close()
    assert in_file(path) == [1]
    async with ScriptedServer(server_side) as server, Queen(server.url) as queen:
        assert await queen.recover_outbox(path) == 1
    assert server_side.stored == {"Default": [1]}
    assert in_file(path) == []


async def test_pushes_that_come_together_share_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from queen.buffering.outbox.file import OutboxFile

    commits: List[int] = []
    write = OutboxFile.write

    def counted(file: OutboxFile, added: Any, removed: Any) -> Any:
        commits.append(len(added))
        return write(file, added, removed)

    monkeypatch.setattr(OutboxFile, "write", counted)
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(tmp_path / "outbox.db", message_count=1000))

        async def produce() -> None:
            for number in range(5):
                await queue.push([{"data": number}])

        await asyncio.gather(*(produce() for _ in range(20)))
        assert commits == [20] * 5


async def test_an_outbox_is_one_however_its_path_is_spelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        for path in ("outbox.db", f"{tmp_path}/./outbox.db"):
            await queen.queue("q").buffer(durable(Path(path))).push([{"data": path}])
        (tmp_path / "elsewhere").mkdir()
        os.chdir(tmp_path / "elsewhere")
        await queen.queue("q").buffer({**durable(Path()), "durable": "outbox.db"}).push([{"data": 3}])
        await queen.flush_all_buffers()
        assert payloads(server) == [["outbox.db", f"{tmp_path}/./outbox.db", 3]]
    assert files_in(tmp_path / "elsewhere") == []


async def test_the_same_partition_may_have_durable_and_other_messages(tmp_path: Path) -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        for options in (durable(tmp_path / "a.db"), durable(tmp_path / "b.db"), {"time_millis": 60_000}):
            await queen.queue("q").buffer(options).push([{"data": 1}])
        assert queen.get_buffer_stats()["activeBuffers"] == 3
        await queen.queue("q").flush_buffer()
        assert payloads(server) == [[1]] * 3


async def test_what_is_sent_are_the_bytes_that_were_accepted(tmp_path: Path) -> None:
    item = {"data": {"text": "\u00e4\u2028\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "n": 2**63},
            "transactionId": "t", "traceId": "6f1c3c1e-2b7a-4c43-9d58-0d1f5f6b2a11"}  # fmt: skip
    bodies: List[bytes] = []

    def answer(received: Received) -> Scripted:
        bodies.append(received.body)
        return queued(received)

    async with ScriptedServer(answer) as server:
        async with Queen(server.url) as queen:
            await queen.queue("q").partition("p").buffer().push([item])
        broken = Queen(NOWHERE, timeout_millis=50, retry_attempts=0)
        await broken.queue("q").partition("p").buffer(durable(tmp_path / "outbox.db")).push([item])
        await broken.close()
        async with Queen(server.url) as queen:
            await queen.recover_outbox(tmp_path / "outbox.db")
    assert bodies[0] == bodies[1]


async def test_callbacks_are_called_as_without_a_file(tmp_path: Path) -> None:
    told: List[Any] = []
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(tmp_path / "outbox.db"))
        await queue.push([{"data": 1}]).on_success(lambda items: told.append([item["payload"] for item in items]))
        assert told == []
        await queen.flush_all_buffers()
        await asyncio.sleep(0)
        assert told == [[1]]


def test_sqlite_is_imported_by_those_who_need_it_alone() -> None:
    program = "import sys, queen; queen.Queen('http://x').queue('q').buffer(); print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        (7, TypeError, "durable=7 is a int; accepted is the path of a file"),
        (b"outbox.db", TypeError, "durable=b'outbox.db' is a bytes"),
        (None, TypeError, "durable=None"),
        ([], TypeError, r"durable=\[\]"),
        ("", ValueError, "durable='' is no path"),
        ("a\0b", ValueError, "is no path"),
    ],
)
def test_the_path_is_checked(path: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        Queen(NOWHERE).queue("q").buffer({"durable": path})


async def test_an_item_knows_where_it_belongs_in_the_next_process(tmp_path: Path) -> None:
    queen = Queen(NOWHERE, timeout_millis=50, retry_attempts=0)
    await (
        queen.queue("q")
        .partition("p")
        .buffer(durable(tmp_path / "outbox.db"))
        .push([{"data": 1, "transactionId": "t"}])
    )
    await queen.close()
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        await queen.recover_outbox(tmp_path / "outbox.db")
        [received] = server.received
        assert items_of(received) == [{"queue": "q", "partition": "p", "transactionId": "t", "payload": 1}]
