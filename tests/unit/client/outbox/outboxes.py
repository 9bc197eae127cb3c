"""Outboxes as tests use them, and what is in their files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, List

from queen import Queen
from tests.scripted_server import Received, Scripted, answers
from tests.unit.client.pushes import items_of

# Where nobody listens.
NOWHERE = "http://127.0.0.1:1"


def durable(path: Path, **options: object) -> Dict[str, object]:
    """Options of a durable buffer that is flushed only when it is told to."""
    return {"durable": path, "message_count": 100, "time_millis": 60_000, **options}


def in_file(path: Path) -> List[Any]:
    """The payloads in the file of an outbox that nobody has open."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT json_extract(CAST(item AS TEXT), '$.payload') FROM messages ORDER BY id")
        return [payload for (payload,) in rows]


def files_in(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.iterdir())


async def leave(path: Path, *payloads: object, partition: str = "Default") -> None:
    """Leave messages of the queue ``q`` in an outbox, as a client does whose server is away."""
    queen = Queen(NOWHERE, timeout_millis=50, retry_attempts=0)
    for payload in payloads:
        await queen.queue("q").partition(partition).buffer(durable(path)).push([{"data": payload}])
    await queen.close()


class Storing:
    """A server that stores each transaction id once, as long as it is not told to fail."""

    def __init__(self) -> None:
        self.stored: Dict[str, List[Any]] = {}
        self._taken: Dict[str, str] = {}

    def __call__(self, received: Received) -> Scripted:
        return answers([self.store(item) for item in items_of(received)])

    def store(self, item: Dict[str, Any]) -> Dict[str, Any]:
        identifier = item["transactionId"]
        status = "duplicate" if identifier in self._taken else "queued"
        if status == "queued":
            self._taken[identifier] = status
            self.stored.setdefault(item.get("partition", "Default"), []).append(item["payload"])
        return {"status": status, "transaction_id": identifier}
