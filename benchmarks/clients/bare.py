"""The work as a loop over a bare HTTP library: JSON and requests, and nothing of what a client adds to them."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Callable, Dict, List, Protocol

from benchmarks.clients.client import check_count
from benchmarks.content import FLUSH_AT, NEXT_QUEUE, PARTITION, PAYLOAD, POP_TARGET, QUEUE

_BATCH_TO_COMMIT = 100


class Exchange(Protocol):
    """One HTTP library."""

    async def send(self, method: str, target: str, body: bytes) -> bytes:
        """Send one request (an empty body is none) and return the body of its answer."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def standard_dumps(value: object) -> bytes:
    """The standard library's JSON, as short as the other encoders write it."""
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


class BareLoop:
    """The work as a program without a client would do it, sending the bodies that this client sends.

    Args:
        exchange: the HTTP library.
        dumps: encodes bodies.
        loads: decodes answers.
    """

    def __init__(
        self,
        exchange: Exchange,
        dumps: Callable[[object], bytes] = standard_dumps,
        loads: Callable[[bytes], Any] = json.loads,
    ) -> None:
        self._exchange = exchange
        self._dumps = dumps
        self._loads = loads
        self._made = 0

    async def push(self, count: int, at_once: int) -> None:
        """Push single messages, so many requests at a time."""
        queued = 0

        async def pusher() -> None:
            nonlocal queued
            for _ in range(count // at_once):
                results = await self._post("/api/v1/push", {"items": [self._item(QUEUE)]})
                queued += results[0]["status"] == "queued"

        await asyncio.gather(*(pusher() for _ in range(at_once)))
        check_count("queued", queued, count)

    async def pop(self, count: int, batch: int) -> None:
        """Pop so many messages, in batches."""
        popped = 0
        for _ in range(count // batch):
            popped += len(await self._popped(batch))
        check_count("popped", popped, count)

    async def consume(self, count: int, batch: int, workers: int) -> None:
        """Consume so many messages and acknowledge each batch."""
        acked = 0

        async def worker() -> None:
            nonlocal acked
            for _ in range(count // workers // batch):
                acks = [self._ack(message) for message in await self._popped(batch)]
                if batch == 1:
                    results = await self._post("/api/v1/ack", acks[0])
                else:
                    results = await self._post("/api/v1/ack/batch", {"acknowledgments": acks})
                acked += sum(result["success"] for result in results)

        await asyncio.gather(*(worker() for _ in range(workers)))
        check_count("acked", acked, count)

    async def push_buffered(self, count: int) -> None:
        """Push messages, a hundred to a request."""
        queued = 0
        for _ in range(count // FLUSH_AT):
            results = await self._post("/api/v1/push", {"items": [self._item(QUEUE) for _ in range(FLUSH_AT)]})
            queued += sum(result["status"] == "queued" for result in results)
        check_count("queued", queued, count)

    async def commit(self, count: int) -> None:
        """For each of so many messages commit a transaction: its ack, and a push."""
        committed = 0
        for _ in range(count // _BATCH_TO_COMMIT):
            for message in await self._popped(_BATCH_TO_COMMIT):
                push = {"type": "push", "items": [self._item(NEXT_QUEUE)]}
                operations = [push, {"type": "ack", **self._ack(message)}]
                committed += (await self._post("/api/v1/transaction", {"operations": operations}))["success"]
        check_count("committed", committed, count)

    async def close(self) -> None:
        """Close the connections."""
        await self._exchange.close()

    def _item(self, queue: str) -> Dict[str, object]:
        self._made += 1
        identifier = f"01930000-0000-7000-8000-{self._made:012d}"
        return {"queue": queue, "partition": PARTITION, "transactionId": identifier, "payload": PAYLOAD}

    @staticmethod
    def _ack(message: Dict[str, object]) -> Dict[str, object]:
        kept = {key: message[key] for key in ("transactionId", "partitionId", "leaseId")}
        return {**kept, "status": "completed"}

    async def _popped(self, batch: int) -> List[Dict[str, object]]:
        answer = self._loads(await self._exchange.send("GET", f"{POP_TARGET}{batch}&wait=false", b""))
        messages: List[Dict[str, object]] = answer["messages"]
        return messages

    async def _post(self, target: str, body: object) -> Any:
        return self._loads(await self._exchange.send("POST", target, self._dumps(body)))
