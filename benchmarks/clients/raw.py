"""The limit: asyncio protocols that write requests made once, and only wait until as many bytes came as should.

No JSON, no headers read, no errors, no deadlines: nothing in Python on asyncio can cost less.
"""

from __future__ import annotations

import asyncio
import re
from typing import List, Optional
from urllib.parse import urlsplit

from benchmarks.clients.bare import standard_dumps
from benchmarks.content import FLUSH_AT, NEXT_QUEUE, PARTITION, PAYLOAD, POP_TARGET, QUEUE

_BATCH_TO_COMMIT = 100
_LENGTH = re.compile(rb"content-length: (\d+)\r\n")
_UUID = "01930000-0000-7000-8000-000000000001"
_ACK = {"transactionId": _UUID, "partitionId": _UUID, "leaseId": _UUID, "status": "completed"}


def _request(method: str, target: str, body: object = None) -> bytes:
    encoded = b"" if body is None else standard_dumps(body)
    head = f"{method} {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return head.encode("ascii") + b"content-length: %d\r\n\r\n" % len(encoded) + encoded


def _push_request(count: int) -> bytes:
    item = {"queue": QUEUE, "partition": PARTITION, "transactionId": _UUID, "payload": PAYLOAD}
    return _request("POST", "/api/v1/push", {"items": [item] * count})


def _pop_request(batch: int) -> bytes:
    return _request("GET", f"{POP_TARGET}{batch}&wait=false")


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._missing = 0
        self._answer: Optional[asyncio.Future[None]] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            # The server sends the head in one piece.
            length = _LENGTH.search(data)
            assert length is not None
            self._missing = data.index(b"\r\n\r\n") + 4 + int(length.group(1))
        self._missing -= len(data)
        if not self._missing:
            assert self._answer is not None
            self._answer.set_result(None)

    def exchange(self, request: bytes) -> asyncio.Future[None]:
        """Write a request; the future is done when its answer is there."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer


class RawClient:
    """One connection for each request that is under way.

    Args:
        url: the server.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), parts.port or 80
        self._connections: List[_Connection] = []

    async def push(self, count: int, at_once: int) -> None:
        """Push single messages, so many requests at a time."""
        await self._repeat([_push_request(1)], count // at_once, at_once)

    async def pop(self, count: int, batch: int) -> None:
        """Pop so many messages, in batches."""
        await self._repeat([_pop_request(batch)], count // batch)

    async def consume(self, count: int, batch: int, workers: int) -> None:
        """Pop so many messages, and acknowledge each batch."""
        if batch == 1:
            ack = _request("POST", "/api/v1/ack", _ACK)
        else:
            ack = _request("POST", "/api/v1/ack/batch", {"acknowledgments": [_ACK] * batch})
        await self._repeat([_pop_request(batch), ack], count // workers // batch, workers)

    async def push_buffered(self, count: int) -> None:
        """Push messages, a hundred to a request."""
        await self._repeat([_push_request(FLUSH_AT)], count // FLUSH_AT)

    async def commit(self, count: int) -> None:
        """Send so many transactions, and a pop before each hundred."""
        item = {"queue": NEXT_QUEUE, "partition": PARTITION, "transactionId": _UUID, "payload": PAYLOAD}
        operations = [{"type": "push", "items": [item]}, {"type": "ack", **_ACK}]
        transaction = _request("POST", "/api/v1/transaction", {"operations": operations})
        requests = [_pop_request(_BATCH_TO_COMMIT)] + [transaction] * _BATCH_TO_COMMIT
        await self._repeat(requests, count // _BATCH_TO_COMMIT)

    async def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.transport.close()

    async def _repeat(self, requests: List[bytes], times: int, connections: int = 1) -> None:
        loop = asyncio.get_running_loop()
        while len(self._connections) < connections:
            _, connection = await loop.create_connection(_Connection, self._host, self._port)
            self._connections.append(connection)

        async def worker(connection: _Connection) -> None:
            for _ in range(times):
                for request in requests:
                    await connection.exchange(request)

        await asyncio.gather(*(worker(connection) for connection in self._connections[:connections]))
