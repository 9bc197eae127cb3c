"""The work in the fluent grammar, which this client and the published ones share."""

from __future__ import annotations

import asyncio
from typing import List

from benchmarks.clients.client import check_count
from benchmarks.content import FLUSH_AT, NEXT_QUEUE, PARTITION, PAYLOAD, QUEUE
from queen import Message, Queen

_BATCH_TO_COMMIT = 100


class QueenClient:
    """``queen.Queen``, whichever version the import path has.

    Args:
        url: the server.
    """

    def __init__(self, url: str) -> None:
        self._queen = Queen(url)

    async def push(self, count: int, at_once: int) -> None:
        """Push single messages, so many requests at a time."""
        queued = 0

        async def pusher() -> None:
            nonlocal queued
            for _ in range(count // at_once):
                results = await self._queen.queue(QUEUE).partition(PARTITION).push([{"data": PAYLOAD}])
                queued += results[0]["status"] == "queued"

        await asyncio.gather(*(pusher() for _ in range(at_once)))
        check_count("queued", queued, count)

    async def pop(self, count: int, batch: int) -> None:
        """Pop so many messages, in batches."""
        popped = 0
        for _ in range(count // batch):
            popped += len(await self._queen.queue(QUEUE).partition(PARTITION).batch(batch).wait(False).pop())
        check_count("popped", popped, count)

    async def consume(self, count: int, batch: int, workers: int) -> None:
        """Consume so many messages and acknowledge each batch after its handler."""
        handled = 0

        async def handle_one(message: Message) -> None:
            nonlocal handled
            handled += message["data"]["amount"] == PAYLOAD["amount"]

        async def handle_batch(messages: List[Message]) -> None:
            nonlocal handled
            handled += sum(message["data"]["amount"] == PAYLOAD["amount"] for message in messages)

        consumed = self._queen.queue(QUEUE).partition(PARTITION).batch(batch).concurrency(workers)
        await consumed.limit(count // workers).consume(handle_one if batch == 1 else handle_batch)
        check_count("handled", handled, count)

    async def push_buffered(self, count: int) -> None:
        """Push single messages that travel a hundred to a request."""
        options = {"message_count": FLUSH_AT, "time_millis": 1000}
        for _ in range(count):
            await self._queen.queue(QUEUE).partition(PARTITION).buffer(options).push([{"data": PAYLOAD}])
        await self._queen.flush_all_buffers()

    async def commit(self, count: int) -> None:
        """For each of so many messages commit a transaction: its ack, and a push."""
        committed = 0
        for _ in range(count // _BATCH_TO_COMMIT):
            queue = self._queen.queue(QUEUE).partition(PARTITION)
            for message in await queue.batch(_BATCH_TO_COMMIT).wait(False).pop():
                transaction = self._queen.transaction().ack(message)
                response = await transaction.queue(NEXT_QUEUE).push([{"data": PAYLOAD}]).commit()
                committed += response["success"]
        check_count("committed", committed, count)

    async def close(self) -> None:
        """Close the connections."""
        await self._queen.close()
