"""Files that cannot be used are named with what is wrong with them, and a push that meets one accepts nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional

import pytest

from queen import OutboxError, Queen
from queen.buffering.outbox.file import OutboxFile
from queen.buffering.outbox.layout import LAYOUT
from tests.scripted_server import ScriptedServer
from tests.unit.client.outbox.outboxes import NOWHERE, Storing, durable, in_file, leave
from tests.unit.client.pushes import payloads, queued


def text(path: Path) -> None:
    path.write_text("this is no database, but long enough to be one" * 100)


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def database_of_something_else(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bills (id INTEGER)")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {LAYOUT + 1}")


def damaged(path: Path) -> None:
    page = 4096
    data = path.read_bytes()
    path.write_bytes(data[:page] + b"\xff" * (len(data) - page))


def modes_in(folder: Path) -> Dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def contents(path: Path) -> Optional[bytes]:
    return path.read_bytes() if path.is_file() else None


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (text, "file is not a database"),
        (folder, "it is a folder"),
        (database_of_something_else, "it is the database of something else"),
        (newer, f"a newer version of this library wrote it .layout {LAYOUT + 1}; this one reads layout {LAYOUT}"),
        (damaged, "malformed"),
    ],
)
async def test_a_file_that_is_no_outbox_is_refused_and_left_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "outbox.db"
    await leave(path, *range(50))
    spoil(path)
    before = contents(path)
    async with Queen(NOWHERE) as queen:
        with pytest.raises(OutboxError, match=words) as raised:
            await queen.queue("q").buffer(durable(path)).push([{"data": 1, "transactionId": "t"}])
        assert str(raised.value).startswith(f"the outbox {path} cannot be used: ")
        assert (raised.value.path, raised.value.owner) == (str(path), None)
        assert [item["transactionId"] for item in raised.value.unsent] == ["t"]
        with pytest.raises(OutboxError, match=words):
            await queen.recover_outbox(path)
        stats = queen.get_buffer_stats()
        assert (stats["activeBuffers"], stats["totalBufferedMessages"]) == (0, 0)
    assert contents(path) == before


async def test_a_file_in_a_folder_that_is_not_there_is_refused_until_it_is(tmp_path: Path) -> None:
    path = tmp_path / "later" / "outbox.db"
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer(durable(path))
        outcomes = await asyncio.gather(
            *(queue.push([{"data": number}]) for number in range(3)), return_exceptions=True
        )
        assert [[item["data"] for item in getattr(error, "unsent", [])] for error in outcomes] == [[0], [1], [2]]
        assert f"the folder {tmp_path}/later is not there" in str(outcomes[0])
        folder(tmp_path / "later")
        await queue.push([{"data": 3}])
        await queen.flush_all_buffers()
        assert payloads(server) == [[3]]


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder in which this process may not write, with the file ``outbox.db``."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs users")
    made = Path(tempfile.mkdtemp())
    user = os.geteuid()
    (made / "outbox.db").touch(0o444)
    made.chmod(0o555)
    try:
        if user == 0:
            os.seteuid(65534)
        yield made
    finally:
        os.seteuid(user)
        made.chmod(0o755)
        shutil.rmtree(made)


async def test_a_file_that_cannot_be_written_to_is_refused(unprivileged: Path) -> None:
    async with Queen(NOWHERE) as queen:
        with pytest.raises(OutboxError, match=r"outbox.db cannot be used: this process may not write to it"):
            await queen.queue("q").buffer(durable(unprivileged / "outbox.db")).push([{"data": 1}])
        with pytest.raises(OutboxError, match="this process may not write to the folder"):
            await queen.queue("q").buffer(durable(unprivileged / "new.db")).push([{"data": 1}])


FULL = """
import asyncio, json, os, resource, sys
from queen import OutboxError, Queen

accepted = []

async def fill(queue):
    while True:
        await queue.push([{"data": len(accepted), "traceId": None}, {"data": "x" * 1000}])
        accepted.append(len(accepted))

async def main():
    queen = Queen("http://127.0.0.1:1", timeout_millis=50)
    queue = queen.queue("q").buffer({"durable": sys.argv[1], "time_millis": 600_000, "message_count": 1000})
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        await fill(queue)
    except OutboxError as error:
        refused = [item["data"] for item in error.unsent]
        words = str(error)
    held = queen.get_buffer_stats()["totalBufferedMessages"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await queue.push([{"data": "after"}])
    print(json.dumps({"accepted": accepted, "refused": refused, "words": words, "held": held}), flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files")
async def test_a_full_disk_refuses_a_push_as_a_whole_and_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FULL, str(path), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    found: Any = json.loads(output)
    assert len(found["accepted"]) > 3
    # The push that failed: both of its messages, and none of them is in the file.
    assert found["refused"] == [len(found["accepted"]), "x" * 1000]
    assert "full" in found["words"] or "disk I/O error" in found["words"]
    assert found["held"] == 2 * len(found["accepted"])
    kept = [payload for number in found["accepted"] for payload in (number, "x" * 1000)]
    assert in_file(path) == [*kept, "after"]


async def test_a_removal_that_fails_is_logged_and_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.db"
    write = OutboxFile.write
    faults = ["database or disk is full"]

    def faulty(file: OutboxFile, added: Any, removed: Any) -> Any:
        if removed and faults:
            raise OutboxError(str(path), faults.pop())
        return write(file, added, removed)

    monkeypatch.setattr(OutboxFile, "write", faulty)
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        await queen.queue("q").buffer(durable(path)).push([{"data": 1}])
        await queen.flush_all_buffers()
    assert any(
        record.levelname == "ERROR" and "Outbox.remove" in record.getMessage() and "full" in record.getMessage()
        for record in caplog.records
    )
    assert in_file(path) == []


async def test_a_message_that_is_damaged_in_the_file_stays_in_it_and_stops_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.db"
    await leave(path, 1, 2, 3, partition="bad")
    await leave(path, 4, partition="good")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE messages SET item = CAST('{\"queue' AS BLOB) WHERE id = 2")
        connection.commit()
    server_side = Storing()
    async with ScriptedServer(server_side) as server, Queen(server.url) as queen:
        with pytest.raises(OutboxError, match="its messages 2 are damaged and stay in it; all others were sent"):
            await queen.recover_outbox(path)
        await queen.queue("q").partition("bad").buffer({"durable": path}).push([{"data": 5}])
        await queen.flush_all_buffers()
    assert server_side.stored == {"bad": [1, 3, 5], "good": [4]}
    assert any(record.levelname == "ERROR" and "damaged" in record.getMessage() for record in caplog.records)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT id FROM messages").fetchall() == [(2,)]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
async def test_other_users_cannot_read_what_is_pushed(tmp_path: Path) -> None:
    async with Queen(NOWHERE, timeout_millis=50, retry_attempts=0) as queen:
        await queen.queue("q").buffer(durable(tmp_path / "outbox.db")).push([{"data": 1}])
        assert modes_in(tmp_path) == {"outbox.db": 0o600, "outbox.db-wal": 0o600}


async def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    file = OutboxFile(str(tmp_path / "outbox.db"))
    try:
        found = [file._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    finally:
        file.close()
    assert found == ["wal", 2]
