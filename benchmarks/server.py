"""The canned-answer server, in a process of its own: ``python -m benchmarks.server`` prints its port.

It looks at a request only to tell the route and the number of messages, and writes an answer that was made before. It
counts what it was asked for, so that a client which does less than its work is found out, and tells its own CPU time,
so that figures which it held back can be told.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from typing import Dict, Final, NamedTuple

from benchmarks import answers

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_BATCH: Final = re.compile(rb"[?&]batch=(\d+)")
_END: Final = b"\r\n\r\n"
_STATE: Final = b"GET /state "


class Counts(NamedTuple):
    """How many messages were pushed, popped and acknowledged outside transactions, and how many transactions came."""

    pushed: int = 0
    popped: int = 0
    acked: int = 0
    committed: int = 0


class State(NamedTuple):
    """What the server has done, and its CPU time so far."""

    counts: Counts
    cpu_seconds: float


class _Canned:
    """Answers, made once for each number of messages, and how many messages they were for."""

    def __init__(self) -> None:
        self.health: Final = answers.health()
        self._transaction = answers.transaction()
        self._pushes: Dict[int, bytes] = {}
        self._pops: Dict[int, bytes] = {}
        self._acks: Dict[int, bytes] = {}
        self._pushed = self._popped = self._acked = self._committed = 0

    def state(self) -> bytes:
        counts = Counts(self._pushed, self._popped, self._acked, self._committed)
        return json.dumps([counts, time.process_time()]).encode("ascii")

    def push(self, count: int) -> bytes:
        self._pushed += count
        if count not in self._pushes:
            self._pushes[count] = answers.push(count)
        return self._pushes[count]

    def pop(self, count: int) -> bytes:
        self._popped += count
        if count not in self._pops:
            self._pops[count] = answers.pop(count)
        return self._pops[count]

    def ack(self, count: int) -> bytes:
        self._acked += count
        if count not in self._acks:
            self._acks[count] = answers.ack(count)
        return self._acks[count]

    def commit(self) -> bytes:
        self._committed += 1
        return self._transaction


class _Connection(asyncio.Protocol):
    def __init__(self, canned: _Canned) -> None:
        self._canned = canned
        self._pieces: bytes = b""
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        request = self._pieces + data if self._pieces else data
        if len(request) < self._needed or not self._is_whole(request):
            self._pieces = request
            return
        self._pieces, self._needed = b"", 0
        self._transport.write(self._answer(request))

    def _is_whole(self, request: bytes) -> bool:
        end = request.find(_END)
        if end < 0:
            return False
        length = _LENGTH.search(request, 0, end) if request.startswith(b"POST") else None
        self._needed = end + len(_END) + (int(length.group(1)) if length else 0)
        return len(request) >= self._needed

    def _answer(self, request: bytes) -> bytes:
        canned = self._canned
        if request.startswith(b"POST /api/v1/push "):
            return canned.push(request.count(b'"transactionId"'))
        if request.startswith(b"GET /api/v1/pop/"):
            batch = _BATCH.search(request)
            return canned.pop(int(batch.group(1)) if batch else 1)
        if request.startswith(b"POST /api/v1/ack"):
            return canned.ack(request.count(b'"transactionId"'))
        if request.startswith(b"POST /api/v1/transaction "):
            return canned.commit()
        if request.startswith(_STATE):
            return canned.state()
        if request.startswith(b"GET /health "):
            return canned.health
        raise AssertionError(f"no answer for {request[:80]!r}")


def read_state(port: int) -> State:
    """Ask a server what it has done so far."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(_STATE + b"HTTP/1.1\r\n\r\n")
        counts, cpu_seconds = json.loads(connection.recv(4096))
    return State(Counts(*counts), cpu_seconds)


async def _serve() -> None:
    canned = _Canned()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(canned), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # Whoever started it holds the other end of its standard input: when that closes, nobody is left to serve.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
