"""What the tests of the guide work with: a broker, clients of it, time, and snippets to run."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import time
import types
from contextlib import AsyncExitStack, asynccontextmanager
from typing import (
    Any,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Dict,
    List,
    Mapping,
    Optional,
    Set,
    Tuple,
    Type,
    TypeVar,
)

import httpx
import pytest
from queen_api.api import queues

import queen as library
from queen import Message, Queen
from queen.broker import open_broker
from tests.guide import bindings
from tests.guide.program import Program, compiled, namespace, undefined
from tests.guide.snippets import SNIPPETS
from tests.guide.virtual_time import VirtualTime
from tests.scripted_server import Received, Scripted, ScriptedServer

T = TypeVar("T")

_numbers = itertools.count(1)


class Calls:
    """A function for snippets to call: it keeps what it was called with, and answers or raises as it is told."""

    def __init__(self, answer: Optional[Callable[[Any], Any]] = None) -> None:
        self.seen: List[Any] = []
        self._answer = answer

    async def __call__(self, argument: Any) -> Any:
        self.seen.append(argument)
        answer = self._answer(argument) if self._answer is not None else None
        return await answer if inspect.isawaitable(answer) else answer


class Door:
    """The broker's application, with a list of what was asked of it."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application
        self._requests: List[Tuple[str, List[bytes]]] = []
        self.shut: Optional[str] = None

    def count(self, request: str) -> int:
        """How many requests began like this, ``POST /api/v1/push`` for example."""
        return sum(made.startswith(request) for made, _ in self._requests)

    def bodies(self, request: str) -> List[Any]:
        """What was sent with the requests that began like this."""
        return [json.loads(b"".join(chunks)) for made, chunks in self._requests if made.startswith(request)]

    async def __call__(self, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        chunks: List[bytes] = []
        self._requests.append((f"{scope['method']} {scope['path']}", chunks))

        async def listen() -> Any:
            message = await receive()
            chunks.append(message.get("body", b""))
            return message

        if self.shut is not None and scope["path"].startswith(self.shut):
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"error": "out of order"}'})
        else:
            await self._application(scope, listen, send)


class Guide:
    """A broker whose clock stands still, and snippets of the guide that run against it.

    Attributes:
        time: moves all clocks.
        queen: a client of the broker; snippets that define no ``queen`` get this one.
        door: what was asked of the broker.
        clients: the clients that snippets have made, in order.
        on_enter: called with each client that a snippet enters by ``async with``.
        asyncio_names: what snippets find in ``asyncio`` in the place of what is there.
        finished: the snippets that were run to their end.
    """

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._output = ""
        self._groups = itertools.count(1)
        self._stack = AsyncExitStack()
        self.time = VirtualTime("2025-01-01T00:00:00")
        self.url = f"memory://guide-{next(_numbers)}"
        self._addresses = {"http://localhost:6632": self.url}
        self.broker = open_broker(self.url, clock=self.time.clock)
        self.door = Door(self.broker.app)
        self.broker.app = self.door  # type: ignore[misc, assignment]
        self.queen = Queen(self.url, retry_delay_millis=10)
        self._observer = Queen(self.url)
        self.clients: List[Queen] = []
        self.on_enter: Optional[Callable[[Queen], Awaitable[object]]] = None
        self.asyncio_names: Dict[str, Any] = {}
        self.finished: Set[int] = set()

    async def close(self) -> None:
        """Close the broker and all clients."""
        for client in [*self.clients, self.queen, self._observer]:
            await client.close()
        await self._stack.aclose()
        await self.broker.close()
        self.time.stop()

    @property
    def printed(self) -> List[str]:
        """The lines that were printed so far."""
        self._output += self._capsys.readouterr().out
        return self._output.splitlines()

    async def run(self, number: int, **names: Any) -> Dict[str, Any]:
        """Run a snippet that ends by itself.

        Args:
            number: the snippet.
            names: what it uses and does not define.

        Returns:
            Its namespace.
        """
        async with self.running(number, **names) as program:
            await program.wait()
        return program.names

    async def hurry(self, work: Awaitable[T]) -> T:
        """Wait for something that waits for time to pass, by letting it pass."""
        waiting = asyncio.ensure_future(work)
        while not waiting.done():
            await asyncio.sleep(0.001)
            self.time.advance(0.05)
        return waiting.result()

    @asynccontextmanager
    async def running(self, number: int, twin: Optional[str] = None, **names: Any) -> AsyncIterator[Program]:
        """Run a snippet in the background; the end of the block ends its last statement."""
        async with self.stepping(number, twin, **names) as program:
            program.go()
            yield program

    @asynccontextmanager
    async def stepping(self, number: int, twin: Optional[str] = None, **names: Any) -> AsyncIterator[Program]:
        """Run a snippet statement by statement, as the test says."""
        mains: List[Coroutine[Any, Any, Any]] = []
        program = Program(SNIPPETS[number], self._namespace(number, twin, mains, names), mains, twin)
        try:
            yield program
            await program.close()
        except BaseException:
            program.abandon()
            raise
        self.finished.add(number)
        (bindings.RUN if twin is None else bindings.REPLACED).add(number)

    async def serve(self, url: str, *, broken: Callable[[], bool] = lambda: False) -> ScriptedServer:
        """Let a URL of the guide lead to this broker over a socket.

        Args:
            url: the URL.
            broken: asked at each request; the server fails while it is True.
        """
        transport = httpx.ASGITransport(app=self.door)
        inside = await self._stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://broker"))

        async def script(received: Received) -> Scripted:
            if broken():
                return Scripted(b"gone", status=503, headers={"content-type": "text/plain"})
            answer = await inside.request(received.method, received.target, content=received.body)
            return Scripted(answer.content, answer.status_code)

        server = await self._stack.enter_async_context(ScriptedServer(script))
        self._addresses[url] = server.url
        return server

    async def stored(self, queue: str, partition: Optional[str] = None) -> List[Message]:
        """All messages of a queue, as a consumer group sees them that has read nothing."""
        found = await self._read(queue, f"observer-{next(self._groups)}")
        return [message for message in found if partition in (None, message.partition)]

    async def unsettled(self, queue: str, group: Optional[str] = None) -> List[Any]:
        """What a consumer group (or queue mode) would get once all leases are over: the data of the messages."""
        self.time.advance(100_000)
        return data(await self._read(queue, group))

    async def status_of(self, queue: str) -> Dict[str, Any]:
        """What the broker says of a queue: its namespace, task, priority and ``config``."""
        status: Any = await self._observer.send(queues.get_queue_status(queue=queue))
        found: Dict[str, Any] = status["queue"]
        return found

    async def queue_names(self) -> List[str]:
        """The queues that the broker has."""
        answer: Any = await self._observer.send(queues.list_queues())
        return sorted(queue["name"] for queue in answer["queues"])

    async def _read(self, queue: str, group: Optional[str]) -> List[Message]:
        builder = self._observer.queue(queue).batch(10_000).partitions(10_000).auto_ack(True)
        found: List[Message] = []
        while True:
            messages = await (builder if group is None else builder.group(group)).pop()
            if not messages:
                return found
            found.extend(messages)

    def _namespace(
        self, number: int, twin: Optional[str], mains: List[Coroutine[Any, Any, Any]], supplied: Dict[str, Any]
    ) -> Dict[str, Any]:
        asyncio_module = self.time.asyncio_module(mains)
        vars(asyncio_module).update(self.asyncio_names)
        client = self._client_class()
        needed = undefined(compiled(SNIPPETS[number], twin))
        usual = {"queen": self.queen, "Queen": client, "asyncio": asyncio_module, "time": time}
        unknown = set(supplied) - needed
        assert not unknown, f"snippet {number} defines or does not use {sorted(unknown)}"
        missing = needed - set(supplied) - set(usual)
        assert not missing, f"snippet {number} uses {sorted(missing)}, which nobody defines"
        package = types.SimpleNamespace(**{**vars(library), "Queen": client})
        modules = {"queen": package, "asyncio": asyncio_module, "datetime": self.time.datetime_module()}
        chosen = {name: value for name, value in usual.items() if name in needed}
        return {**namespace(modules), **chosen, **supplied}

    def _client_class(self) -> Type[Queen]:
        guide = self

        class Client(Queen):
            def __init__(self, urls: Any = None, **options: Any) -> None:
                super().__init__(guide.mapped(urls), **options)
                guide.clients.append(self)

            async def __aenter__(self) -> Client:
                await super().__aenter__()
                if guide.on_enter is not None:
                    await guide.on_enter(self)
                return self

        return Client

    def mapped(self, urls: Any) -> Any:
        """What a snippet gives to ``Queen``, with addresses that lead to this broker where there are any."""
        if isinstance(urls, Mapping):
            return {**urls, "urls": self.mapped(urls["urls"])}
        if isinstance(urls, str):
            return self._addresses.get(urls, urls)
        return [self._addresses.get(url, url) for url in urls]


def data(messages: List[Message]) -> List[Any]:
    """The payloads of messages."""
    return [message.data for message in messages]
