"""A program that pushes numbers into a durable buffer, says which were accepted, and may kill itself at a chosen point.

``python -m tests.unit.client.outbox.producer URL OPTIONS FIRST LAST [POINT]``: OPTIONS are those of the buffer as JSON;
the numbers from FIRST to before LAST go to three partitions in turn. It ends without closing its client, as a program
that is killed does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from typing import Any

from queen import Queen
from queen.buffering.outbox import file, inheritance

PARTITIONS = ("p0", "p1", "p2")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_before_the_removal() -> None:
    """After the server has answered, before anything of that is in the file."""
    write = file.OutboxFile.write

    def written(self: file.OutboxFile, added: Any, removed: Any) -> Any:
        if removed:
            die()
        return write(self, added, removed)

    file.OutboxFile.write = written  # type: ignore[method-assign]


def die_in_the_transaction(statement: str) -> None:
    """When the rows of the first push are inserted, before or after the commit."""

    class Connection(inheritance.GuardedConnection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "COMMIT" and statement == "before" and self.total_changes:
                die()
            done = super().execute(sql, *values)
            if sql == "COMMIT" and statement == "after" and self.total_changes:
                die()
            return done

    file.GuardedConnection = Connection  # type: ignore[misc,assignment]


POINTS = {
    "removal": die_before_the_removal,
    "commit": lambda: die_in_the_transaction("before"),
    "committed": lambda: die_in_the_transaction("after"),
}


async def produce(url: str, options: str, first: int, last: int) -> None:
    queen = Queen(url, retry_delay_millis=1)
    for number in range(first, last):
        queue = queen.queue("q").partition(PARTITIONS[number % 3]).buffer(json.loads(options))
        await queue.push([{"data": number, "transactionId": f"n{number}"}])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    url, options, first, last, *point = sys.argv[1:]
    for name in point:
        POINTS[name]()
    asyncio.run(produce(url, options, int(first), int(last)))
