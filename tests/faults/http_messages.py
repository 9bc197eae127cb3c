"""Just enough HTTP/1.1 to see where requests and responses begin and end."""

from __future__ import annotations

import asyncio
from typing import Dict, Optional, Tuple

import attrs

# Longer than any head that a client or broker of these tests sends.
STREAM_LIMIT = 1 << 20


@attrs.frozen
class Request:
    """A request, as it came."""

    method: str
    target: str
    head: bytes
    body: bytes

    @property
    def route(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]


@attrs.frozen
class Response:
    """A response, as it came; ``body`` still has its chunks, if it was sent in chunks."""

    status: int
    head: bytes
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> Optional[Request]:
    """The next request; None when the connection was closed instead."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, headers = _parsed(head)
        method, target, _ = first.split(" ", 2)
        body = await _body(reader, headers) or b""
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return Request(method, target, head, body)


async def read_response(reader: asyncio.StreamReader) -> Response:
    """The next response.

    Raises:
        ConnectionError: the connection was closed before its end.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, headers = _parsed(head)
        status = int(first.split(" ", 2)[1])
        body = await _body(reader, headers)
        if body is None:
            # A 204 may say nothing of a length; everything else without one lasts until the connection is closed.
            body = b"" if status in (204, 304) else await reader.read()
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("the connection was closed within a response") from error
    return Response(status, head, body)


def _parsed(head: bytes) -> Tuple[str, Dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: Dict[str, str]) -> Optional[bytes]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    length = headers.get("content-length")
    return None if length is None else await reader.readexactly(int(length))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    read = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        # Of trailers there are none; the last chunk is followed by an empty line, as all are.
        read += line + await reader.readexactly(size + 2)
        if size == 0:
            return read
