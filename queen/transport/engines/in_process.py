"""The engine that calls the embedded broker's ASGI application in the caller's own task."""

from __future__ import annotations

import asyncio
from typing import Awaitable, Callable, Dict, List, MutableMapping, Optional

from typing_extensions import override

from queen.transport.engine import AnswerLostError, Engine, Headers, Reply

_Message = MutableMapping[str, object]
_Scope = Dict[str, object]
_Application = Callable[
    [_Scope, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]
]


class InProcessEngine(Engine):
    """Sends requests to an ASGI application without a socket.

    There is no deadline to keep: nothing is lost on the way, and the broker ends a long poll at its own time. A caller
    that is cancelled cancels the application's work with it.

    Args:
        application: the ASGI application.
        release: called once when the engine is closed.
    """

    def __init__(self, application: _Application, release: Callable[[], Awaitable[None]]) -> None:
        self._application = application
        self._release: Optional[Callable[[], Awaitable[None]]] = release

    @override
    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        if self._release is None:
            raise AnswerLostError("the client was closed")
        path, _, query = target.partition("?")
        raw_path = path.encode("ascii")
        scope: _Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": raw_path,
            "root_path": "",
            "query_string": query.encode("ascii"),
            "headers": [(b"host", b"embedded"), *headers],
            "client": None,
            "server": None,
        }
        # A request over a socket lets other tasks run; without this, a loop of pushes would starve its consumers.
        await asyncio.sleep(0)
        exchange = _Exchange(body or b"")
        await self._application(scope, exchange.receive, exchange.send)
        return exchange.reply()

    @override
    async def close(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            await release()


class _Exchange:
    """The two callables of one ASGI call, and what they saw."""

    def __init__(self, body: bytes) -> None:
        self._body: Optional[bytes] = body
        self._status = 0
        self._headers: Dict[str, str] = {}
        self._chunks: List[bytes] = []

    async def receive(self) -> _Message:
        if self._body is None:
            # A client in this process is gone only when its task is cancelled, and the application with it.
            await asyncio.get_running_loop().create_future()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: _Message) -> None:
        if message["type"] == "http.response.start":
            self._status = int(str(message["status"]))
            headers = message.get("headers", ())
            assert isinstance(headers, (list, tuple))
            self._headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
        elif message["type"] == "http.response.body":
            chunk = message.get("body", b"")
            assert isinstance(chunk, bytes)
            self._chunks.append(chunk)

    def reply(self) -> Reply:
        if not self._status:
            raise AnswerLostError("the broker gave no answer")
        return Reply(self._status, self._headers, b"".join(self._chunks))
