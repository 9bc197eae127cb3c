"""A proxy that opens tunnels, as a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import List, Optional, Set, Type


class TunnelProxy:
    """Answers ``CONNECT`` and passes bytes on, whatever host is asked for, to a port of this machine; nothing else.

    Args:
        to_port: where all tunnels lead; the port that is asked for where nothing is said.
        answer: what is sent in place of a tunnel.

    Attributes:
        asked: the heads of the requests.
        url: where it listens.
    """

    def __init__(self, to_port: Optional[int] = None, answer: Optional[bytes] = None) -> None:
        self._to_port = to_port
        self._answer = answer
        self._server: Optional[asyncio.AbstractServer] = None
        self._tasks: Set[asyncio.Task[None]] = set()
        self.asked: List[str] = []
        self.url = ""

    async def __aenter__(self) -> TunnelProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        assert self._server is not None
        self._server.close()
        # A connection that was just accepted must get its task, or nobody closes it.
        for _ in range(10):
            await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.asked.append(head)
            if self._answer is not None:
                writer.write(self._answer)
            elif head.startswith("CONNECT "):
                await self._open(head, reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _open(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked_for = int(head.split(" ")[1].rpartition(":")[2])
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._to_port or asked_for)
        # In two packets, as networks do.
        writer.write(b"HTTP/1.1 200 Connection")
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b" established\r\nvia: test\r\n\r\n")
        try:
            await asyncio.gather(_pass_on(reader, server_writer), _pass_on(server_reader, writer))
        finally:
            server_writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        data = await reader.read(65536)
        if not data:
            break
        writer.write(data)
    writer.close()
