"""Calls of the client and the good answers that they got, so that a server can give these again, spoiled."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Awaitable, Callable, Dict, List

import attrs

from queen import Message, ProtocolError, Queen
from queen.broker import open_broker
from queen.transport.engines.in_process import InProcessEngine
from tests.scripted_server import Answer, Received, Scripted, ScriptedServer

OPTIONS = {"retry_attempts": 0, "retry_delay_millis": 0}
Call = Callable[[Queen], Awaitable[object]]


async def popped(queen: Queen, count: int = 1) -> List[Message]:
    return await queen.queue("q").group("g").batch(count).pop()


async def ack_popped(queen: Queen) -> None:
    await queen.ack(await popped(queen, 3), True)


async def nack_popped(queen: Queen) -> None:
    for message in await popped(queen, 2):
        await message.nack("why")


async def retry_popped(queen: Queen) -> None:
    for place, message in enumerate(await popped(queen, 3)):
        await (message.nack(status="retry") if place else message.ack())


async def trace_popped(queen: Queen) -> None:
    for message in await popped(queen):
        await message.trace({"data": {"text": "seen"}})


async def properties_of_popped(queen: Queen) -> None:
    for message in await popped(queen, 3):
        for name in (
            "data",
            "id",
            "transaction_id",
            "queue",
            "partition",
            "partition_id",
            "consumer_group",
            "lease_id",
        ):
            getattr(message, name)
        with contextlib.suppress(ProtocolError):
            _ = message.created_at


async def commit(queen: Queen) -> None:
    await queen.transaction().ack(await popped(queen, 2)).queue("q").push([{"data": 1}]).commit()


async def consume(queen: Queen) -> None:
    """Until a message is handled, or something is logged as wrong."""
    signal = asyncio.Event()
    with _set_by_warnings(signal):
        await queen.queue("q").group("g").limit(1).consume(lambda _: None, signal=signal)


async def process(queen: Queen) -> None:
    signal = asyncio.Event()
    with _set_by_warnings(signal):
        await queen.consumer("s", "g").process(lambda _: signal.set(), signal=signal)


async def acked_dict(queen: Queen) -> None:
    await queen.ack([dict(message) for message in await popped(queen)], False, {"error": "why"})


CALLS: Dict[str, Call] = {
    "push": lambda queen: queen.queue("q").push([{"data": 1}, {"data": 2, "transactionId": "again"}]),
    "buffered push": lambda queen: _flushed(queen),
    "pop": properties_of_popped,
    "long poll": lambda queen: queen.queue("q").group("g").wait().timeout_millis(1).pop(),
    "pop acknowledged": lambda queen: queen.queue("q").group("g").auto_ack().wait().timeout_millis(1).pop(),
    "pop of a new group": lambda queen: queen.queue("q").group("new").subscription_mode("new").pop(),
    "pop of a namespace": lambda queen: queen.queue().namespace("n").group("g").pop(),
    "ack": ack_popped,
    "ack of a dict": acked_dict,
    "nack": nack_popped,
    "retry": retry_popped,
    "trace": trace_popped,
    "renew": lambda queen: _renewed(queen),
    "commit": commit,
    "consume": consume,
    "dead letters": lambda queen: queen.queue("dead").dlq("g").from_("2020-01-01T00:00:00Z").get(),
    "redrive": lambda queen: queen.queue("dead").dlq("g").redrive(),
    "purge": lambda queen: queen.queue("dead").dlq("g").purge(),
    "redrive elsewhere": lambda queen: queen.queue("dead").dlq("g").redrive(to_queue="q", dry_run=True),
    "create": lambda queen: queen.queue("q").create(),
    "delete": lambda queen: queen.queue("other").delete(),
    "move a group": lambda queen: queen.update_consumer_group_timestamp("g", "2026-01-31T10:20:30Z"),
    "delete a group": lambda queen: queen.delete_consumer_group("g"),
    "define a stream": lambda queen: queen.stream("s", "n").sources(["q"]).tumbling_time(1).define(),
    "process a stream": process,
    "seek a stream": lambda queen: _sought(queen),
    "overview": lambda queen: queen.admin.get_overview(),
    "health": lambda queen: queen.admin.health(),
    "messages": lambda queen: queen.admin.list_messages(queue="q"),
    "groups": lambda queen: queen.admin.list_consumer_groups(),
}
ONLY_WITH_STREAMS = ("define a stream", "process a stream", "seek a stream")


@attrs.frozen
class Recording:
    """What a call asked and what it was answered.

    Attributes:
        requests: method and path of each request.
        bodies: the bodies of the answers.
    """

    requests: List[str]
    bodies: List[bytes]

    def player(self, place: int, body: bytes) -> Callable[[Received], Answer]:
        """A script that gives the answers again, in their order, but this one at one place.

        A request that comes when all were given gets the good answer to its route, or a refusal.
        """
        given = [*self.bodies[:place], body, *self.bodies[place + 1 :]]
        left = list(zip(self.requests, given))

        def play(received: Received) -> Answer:
            wanted = _route(received)
            found = next((entry for entry in left if entry[0] == wanted), None)
            if found is not None:
                left.remove(found)
                return Scripted(found[1])
            again = [answer for request, answer in zip(self.requests, self.bodies) if request == wanted]
            return Scripted(again[-1] if again else b'{"error": "not recorded"}')

        return play


async def record(name: str, dialect: str) -> Recording:
    """Make a call on a broker that has something for it."""
    broker = open_broker("memory://", dialect=dialect)
    engine = InProcessEngine(broker.app, broker.close)
    bodies: List[bytes] = []

    async def forward(received: Received) -> Answer:
        reply = await engine.send("", received.target, received.method, (), received.body or None, 0.0)
        bodies.append(reply.body)
        return Scripted(reply.body, reply.status)

    async with ScriptedServer(forward) as server:
        async with Queen(server.url, **OPTIONS) as queen:
            await _prepare(queen, dialect)
        server.received.clear()
        bodies.clear()
        async with Queen(server.url, **OPTIONS) as queen:
            await CALLS[name](queen)
        recording = Recording([_route(received) for received in server.received], bodies)
    await engine.close()
    return recording


async def _prepare(queen: Queen, dialect: str) -> None:
    for name in ("q", "dead", "other"):
        await queen.queue(name).namespace("n").task("t").config({"retryLimit": 0}).create()
    await queen.queue("q").push(
        [{"data": {"n": number}} for number in range(4)] + [{"data": 0, "transactionId": "again"}]
    )
    await queen.queue("dead").push([{"data": {"bad": True}}])
    for message in await queen.queue("dead").group("g").pop():
        await message.nack("why", status="dlq")
    if dialect != "0.15":
        await queen.stream("s", "n").sources(["q"]).tumbling_time(0.001).grace_period(0).define()
        await asyncio.sleep(0.01)
        await queen.queue("q").push([{"data": {"n": 9}}])


async def _flushed(queen: Queen) -> None:
    await queen.queue("q").buffer().push([{"data": 1}])
    await queen.flush_all_buffers()


async def _sought(queen: Queen) -> None:
    # A stream that is answered to be partitioned is refused as such.
    with contextlib.suppress(ValueError):
        await queen.consumer("s", "g").seek("2026-01-31T10:20:30Z")


async def _renewed(queen: Queen) -> None:
    for message in await popped(queen):
        await message.renew()
        await queen.renew([message])


def _route(received: Received) -> str:
    return f"{received.method} {received.target.partition('?')[0]}"


class _set_by_warnings(logging.Handler):  # noqa: N801  (used as a block)
    def __init__(self, signal: asyncio.Event) -> None:
        super().__init__(logging.WARNING)
        self._signal = signal

    def emit(self, record: logging.LogRecord) -> None:
        self._signal.set()

    def __enter__(self) -> None:
        logging.getLogger("queen").addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("queen").removeHandler(self)
