"""A real HTTP/1.1 server on a loopback socket that answers as a test tells it to."""

from __future__ import annotations

import asyncio
import json
import ssl
from types import TracebackType
from typing import Awaitable, Callable, Dict, List, Optional, Type, Union

import attrs


@attrs.frozen
class Received:
    """One request as it came over the socket.

    Attributes:
        packets: what each read of the socket returned, until the request was complete.
    """

    method: str
    target: str
    headers: Dict[str, str]
    body: bytes
    packets: List[bytes]
    connection: int

    @property
    def json(self) -> object:
        return json.loads(self.body)


@attrs.frozen
class Scripted:
    """One answer, as raw bytes behind the head that is made from status and headers; ``close`` ends the connection."""

    body: bytes = b"{}"
    status: int = 200
    headers: Dict[str, str] = attrs.field(factory=dict)
    close: bool = False


@attrs.frozen
class Raw:
    """What is sent byte for byte, in packets of their own, before the connection ends."""

    parts: List[bytes]


class Hang:
    """No answer, ever."""


class Drop:
    """The connection is closed instead of an answer."""


Answer = Union[Scripted, Raw, Hang, Drop]
Script = Callable[[Received], Union[Answer, Awaitable[Answer]]]


def answers(value: object, status: int = 200, **headers: str) -> Scripted:
    """A JSON answer."""
    return Scripted(
        json.dumps(value).encode(), status, {name.replace("_", "-"): text for name, text in headers.items()}
    )


class ScriptedServer:
    """Answers each request by the script, and keeps what it received.

    Args:
        script: gives the answer to a request.
        tls: speaks TLS, as ``localhost``.
    """

    def __init__(self, script: Script, tls: Optional[ssl.SSLContext] = None) -> None:
        self._script = script
        self._tls = tls
        self._server: Optional[asyncio.AbstractServer] = None
        self._tasks: List[asyncio.Task[None]] = []
        self._connections = 0
        self.received: List[Received] = []
        self.arrived = asyncio.Event()
        self.url = ""

    async def __aenter__(self) -> ScriptedServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        address = "http://127.0.0.1" if self._tls is None else "https://localhost"
        self.url = f"{address}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        self._connections += 1
        number = self._connections
        try:
            while True:
                received = await self._read(reader, number)
                if received is None:
                    return
                self.received.append(received)
                self.arrived.set()
                answer = self._script(received)
                if isinstance(answer, Awaitable):
                    answer = await answer
                if isinstance(answer, Hang):
                    await asyncio.get_running_loop().create_future()
                if isinstance(answer, Raw):
                    await _send_apart(writer, answer.parts)
                if not isinstance(answer, Scripted):
                    return
                writer.write(_head(answer) + answer.body)
                await writer.drain()
                if answer.close:
                    return
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, connection: int) -> Optional[Received]:
        packets: List[bytes] = []
        data = b""
        while b"\r\n\r\n" not in data:
            packet = await reader.read(65536)
            if not packet:
                return None
            packets.append(packet)
            data += packet
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        while len(body) < int(headers.get("content-length", "0")):
            packet = await reader.read(65536)
            packets.append(packet)
            body += packet
        return Received(method, target, headers, body, packets, connection)


async def _send_apart(writer: asyncio.StreamWriter, parts: List[bytes]) -> None:
    for part in parts:
        writer.write(part)
        # Turns of the loop in which a client in this process reads it.
        for _ in range(10):
            await asyncio.sleep(0)


def _head(answer: Scripted) -> bytes:
    headers = {"content-type": "application/json", "content-length": str(len(answer.body)), **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
