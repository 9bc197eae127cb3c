"""A proxy between a client and a broker, which does to the exchanges what its plan says, and counts it."""

from __future__ import annotations

import asyncio
import socket
import struct
from types import TracebackType
from typing import Any, Awaitable, Callable, Counter, List, Optional, Set, Type, TypeVar, cast

import attrs

from tests.faults.fault_kinds import Fault, Pass
from tests.faults.http_messages import STREAM_LIMIT, Request, Response, read_request, read_response
from tests.faults.plans import Clear, Plan

T = TypeVar("T")


class ClientGoneError(Exception):
    """The client has closed its connection."""


@attrs.frozen
class Seen:
    """One exchange, when it is over.

    Attributes:
        request: what the client sent.
        response: what the broker answered; None when it was not asked, or did not answer.
        fault: the kind of fault; ``none`` and ``broker lost`` are possible too.
        clean: whether the client was sent the whole answer of the broker, and the connection was not reset then.
    """

    request: Request
    response: Optional[Response]
    fault: str
    clean: bool


class FaultProxy:
    """Takes connections on a port of its own, which it keeps, and forwards requests to a broker that may come and go.

    Args:
        broker_port: where the broker listens on this machine; it may be changed at any time.
        plan: which request gets which fault; it may be changed at any time.

    Attributes:
        requests: how many requests came.
        injected: how often each kind of fault was done.
        accepted: how many connections were taken.
        see: called with each exchange that is over.
        defects: what went wrong in the proxy itself.
    """

    def __init__(self, broker_port: int, plan: Optional[Plan] = None) -> None:
        self.broker_port = broker_port
        self.plan: Plan = plan or Clear()
        self.requests = 0
        self.accepted = 0
        self.injected: Counter[str] = Counter()
        self.see: Callable[[Seen], None] = lambda _: None
        self._listener: Optional[socket.socket] = None
        self._connections: Set[asyncio.Task[None]] = set()
        self._timers: Set[asyncio.Task[None]] = set()
        self._refusals = 0
        self._port = 0
        self._stopped = False
        self.defects: List[BaseException] = []

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def open_connections(self) -> int:
        """How many connections of clients are open."""
        return len(self._connections)

    async def __aenter__(self) -> FaultProxy:
        self._listen()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self._stopped = True
        self._stop_listening()
        tasks = [*self._connections, *self._timers]
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        self.defects += [error for error in ended if isinstance(error, Exception)]
        if self.defects:
            raise self.defects[0]

    def refuse(self) -> None:
        """Refuse new connections, until as many calls of ``accept`` were made."""
        self._refusals += 1
        self._stop_listening()

    def accept(self) -> None:
        """Take connections again."""
        self._refusals -= 1
        if not self._refusals and not self._stopped:
            self._listen()

    def refuse_for(self, seconds: float) -> None:
        """Refuse new connections for so long."""
        self.refuse()
        timer = asyncio.ensure_future(self._accept_after(seconds))
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    def reset_all(self) -> None:
        """Reset all connections, as the machine of a killed server does."""
        for task in self._connections:
            task.cancel()

    async def all_closed(self, seconds: float = 5.0) -> bool:
        """Whether clients close all their connections within so many seconds."""
        if self._connections:
            await asyncio.wait(set(self._connections), timeout=seconds)
        return not self._connections

    # Not asyncio's server: when that is closed in the moment of an accept, it leaves the socket open.
    def _listen(self) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setblocking(False)
        self._listener.bind(("127.0.0.1", self._port))
        self._listener.listen(512)
        self._port = self._listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listener, self._take)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def _accept_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.accept()

    def _take(self) -> None:
        assert self._listener is not None
        try:
            accepted, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        self.accepted += 1
        connection = _Connection(self, accepted)
        task = asyncio.ensure_future(connection.serve())
        self._connections.add(task)
        task.add_done_callback(self._ended)
        task.add_done_callback(connection.ended)

    def _ended(self, connection: asyncio.Task[None]) -> None:
        self._connections.discard(connection)
        if not connection.cancelled() and connection.exception() is not None:
            self.defects.append(cast("BaseException", connection.exception()))


class _Connection:
    """One connection of a client, and the one to the broker that belongs to it."""

    def __init__(self, proxy: FaultProxy, accepted: socket.socket) -> None:
        self.proxy = proxy
        self.is_over = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._socket = accepted
        self._writer: Optional[asyncio.StreamWriter] = None
        self._requests: asyncio.Queue[Optional[Request]] = asyncio.Queue()
        self._broker: Optional[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = None

    async def serve(self) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._socket, limit=STREAM_LIMIT)
        reading = asyncio.ensure_future(self._read(reader))
        try:
            while not self.is_over:
                request = await self._requests.get()
                if request is None:
                    break
                await self._exchange(request)
            self.writer.close()
        except asyncio.CancelledError:
            self.reset()
            raise
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            self.drop_broker()
            self._tell_of_crossed()

    @property
    def writer(self) -> asyncio.StreamWriter:
        assert self._writer is not None
        return self._writer

    def ended(self, _: asyncio.Future[None]) -> None:
        """Close what was never served."""
        if self._writer is None:
            self._socket.close()

    def reset(self) -> None:
        """Close at once; what is on its way is answered with a reset."""
        self.is_over = True
        sock = self.writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def broker(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection to the broker, opened anew where the broker has closed it meanwhile."""
        if self._broker is not None and self._broker[0].at_eof():
            self.drop_broker()
        if self._broker is None:
            self._broker = await asyncio.open_connection("127.0.0.1", self.proxy.broker_port, limit=STREAM_LIMIT)
        return self._broker

    def drop_broker(self) -> None:
        if self._broker is not None:
            self._broker[1].transport.abort()
            self._broker = None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        # Always reading, since that is how one hears that a client has gone.
        while True:
            request = await read_request(reader)
            self._requests.put_nowait(request)
            if request is None:
                self.gone.set_result(None)
                return

    def _tell_of_crossed(self) -> None:
        """A request that came as the connection was being closed is lost too."""
        while not self._requests.empty():
            request = self._requests.get_nowait()
            if request is not None:
                self.proxy.see(Seen(request, None, "crossed with a close", clean=False))

    async def _exchange(self, request: Request) -> None:
        proxy = self.proxy
        proxy.requests += 1
        fault: Fault = proxy.plan.fault_for(request) or Pass()
        if not isinstance(fault, Pass):
            proxy.injected[fault.kind] += 1
        exchange = _Exchange(self, request)
        kind, clean = fault.kind, False
        try:
            await fault.play(exchange)
            clean = fault.harmless
        except ClientGoneError:
            self.is_over = True
        except OSError:
            # The broker is away, or the client was as it was sent to.
            kind = fault.kind if self.gone.done() else "broker lost"
            self.reset()
        finally:
            if not clean:
                self.drop_broker()
            proxy.see(Seen(request, exchange.response, kind, clean))


class _Exchange:
    def __init__(self, connection: _Connection, request: Request) -> None:
        self.request = request
        self.response: Optional[Response] = None
        self._connection = connection

    async def forward(self) -> Response:
        return await self._unless_gone(self._asked())

    async def deliver(self) -> Response:
        return await self._asked()

    async def send(self, data: bytes) -> None:
        if self._connection.gone.done():
            raise ClientGoneError
        self._connection.writer.write(data)
        await self._connection.writer.drain()

    async def until_client_is_gone(self, seconds: Optional[float]) -> None:
        waiting = asyncio.sleep(seconds) if seconds is not None else asyncio.Event().wait()
        await self._unless_gone(waiting)

    def reset(self) -> None:
        self._connection.reset()

    def close(self) -> None:
        self._connection.is_over = True

    def refuse(self, seconds: float) -> None:
        self._connection.proxy.refuse_for(seconds)

    async def _asked(self) -> Response:
        reader, writer = await self._connection.broker()
        writer.write(self.request.head + self.request.body)
        self.response = await read_response(reader)
        return self.response

    async def _unless_gone(self, awaitable: Awaitable[T]) -> T:
        task: asyncio.Future[Any] = asyncio.ensure_future(awaitable)
        try:
            await asyncio.wait({task, self._connection.gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                result: T = task.result()
                return result
            raise ClientGoneError
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
