"""``queen bench``: a quick measurement of a server."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import uuid
from typing import AsyncIterator, Awaitable, Callable, Dict, List, Optional, Sequence, TypeVar

import attrs
from cyclopts import Parameter, validators
from typing_extensions import Annotated, Final

from queen import Queen, QueenError
from queen.builders.queue import QueueBuilder
from queen.cli import notes
from queen.cli.connection import LOCAL, Server, connect
from queen.cli.exits import CommandError, Exit
from queen.cli.output import AsJson, Column, Row, show_rows
from queen.cli.progress import Tick, progress

_POLL_MILLIS: Final = 5000
_HEAD_START_SECONDS: Final = 0.005
_Count = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=10_000_000))]

T = TypeVar("T")


def _tenths(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else "-"


_COLUMNS = (
    Column("OPERATION", "operation"),
    Column("MESSAGES", "messages", is_number=True),
    Column("MESSAGES/S", "perSecond", is_number=True),
    Column("P50 MS", "p50Millis", is_number=True, shown=_tenths),
    Column("P95 MS", "p95Millis", is_number=True, shown=_tenths),
    Column("P99 MS", "p99Millis", is_number=True, shown=_tenths),
    Column("MAX MS", "maxMillis", is_number=True, shown=_tenths),
)


@attrs.frozen
class _Load:
    """What to measure with.

    Attributes:
        messages: how many messages.
        batch: how many one request moves.
        workers: how many requests are under way at once.
        size: the length of a payload, in bytes.
        rounds: how many single messages are timed from push to handler.
    """

    messages: int
    batch: int
    workers: int
    size: int
    rounds: int


async def bench(
    *,
    messages: _Count = 2000,
    batch: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=10_000))] = 100,
    workers: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=64))] = 4,
    size: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=1_000_000))] = 256,
    rounds: _Count = 50,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """Measure a server in a queue of its own, which is deleted at the end.

    Messages are pushed in batches into one partition for each worker, then popped and acknowledged. Last, single
    messages are timed from before the push until a consumer that waits has them (`end to end`). Latencies are of one
    request; messages per second of `pop` are with its acks. It says what this machine and this server do at this
    moment, and is no comparison of servers.

    Args:
        messages: how many messages.
        batch: how many one request moves.
        workers: how many requests are under way at once.
        size: the length of a payload, in bytes.
        rounds: how many messages are timed from end to end.
        json: one JSON document.
    """
    load = _Load(messages, batch, workers, size, rounds)
    async with connect(server, makes=True) as client, _own_queue(client) as queue:
        with progress("measuring", messages * 2 + rounds) as tick:
            rows = await _measured(client, queue, load, tick)
    show_rows(rows, _COLUMNS, json=json)
    return Exit.FINE


@contextlib.asynccontextmanager
async def _own_queue(client: Queen) -> AsyncIterator[QueueBuilder]:
    queue = client.queue(f"queen-bench-{uuid.uuid4().hex[:12]}")
    try:
        await queue.create()
        yield queue
    except QueenError:
        # What failed is what is told, and not that the queue cannot be deleted either.
        with contextlib.suppress(QueenError):
            await queue.delete()
        raise
    except BaseException:
        # After Ctrl-C too, also while it was made: the cancellation was told once, and this goes on.
        await queue.delete()
        raise
    await queue.delete()


async def _measured(client: Queen, queue: QueueBuilder, load: _Load, tick: Tick) -> List[Row]:
    run = _Run(client, queue, load, tick)
    pushing = await run.side_by_side(run.push)
    popping = await run.side_by_side(run.pop)
    await run.end_to_end()
    return [
        _row("push", load.messages, pushing, run.pushes),
        _row("pop", load.messages, popping, run.pops),
        _row("ack", load.messages, None, run.acks),
        _row("end to end", load.rounds, None, run.rounds),
    ]


class _Run:
    """One measurement.

    Attributes:
        pushes: how long the requests took, in seconds.
        pops: the same of pops.
        acks: the same of acks.
        rounds: how long single messages took from before the push until a handler had them.
    """

    def __init__(self, client: Queen, queue: QueueBuilder, load: _Load, tick: Tick) -> None:
        self._client = client
        self._queue = queue
        self._load = load
        self._payload = "x" * load.size
        self._tick = tick
        self._done = 0
        self.pushes: List[float] = []
        self.pops: List[float] = []
        self.acks: List[float] = []
        self.rounds: List[float] = []

    async def side_by_side(self, work: Callable[[QueueBuilder, int], Awaitable[None]]) -> float:
        """Let each worker do its part in its own partition; how many seconds all of it took."""
        each, more = divmod(self._load.messages, self._load.workers)
        parts = [
            work(self._queue.partition(f"worker-{worker}"), each + (worker < more))
            for worker in range(self._load.workers)
        ]
        began = time.perf_counter()
        await asyncio.gather(*parts)
        return time.perf_counter() - began

    async def push(self, partition: QueueBuilder, count: int) -> None:
        """Push so many messages."""
        for start in range(0, count, self._load.batch):
            items = [{"data": self._payload} for _ in range(min(self._load.batch, count - start))]
            await _timed(self.pushes, partition.push(items))
            self._advance(len(items))

    async def pop(self, partition: QueueBuilder, count: int) -> None:
        """Pop so many messages, and acknowledge them."""
        source = partition.batch(self._load.batch).wait().timeout_millis(_POLL_MILLIS)
        while count > 0:
            messages = await _timed(self.pops, source.pop())
            if not messages:
                raise CommandError(f"{notes.counted(count, 'message')} that were pushed could not be popped")
            await _timed(self.acks, self._client.ack(messages, True))
            self._advance(len(messages))
            count -= len(messages)

    async def end_to_end(self) -> None:
        """Time single messages from the push to a consumer that waits for them."""
        partition = self._queue.partition("end-to-end")
        source = partition.wait().timeout_millis(_POLL_MILLIS)
        for _ in range(self._load.rounds):
            waiting = asyncio.ensure_future(source.pop())
            # The poll is on its way before the message is.
            await asyncio.sleep(_HEAD_START_SECONDS)
            began = time.perf_counter()
            await partition.push({"data": self._payload})
            messages = await waiting
            self.rounds.append(time.perf_counter() - began)
            if not messages:
                raise CommandError("a message that was pushed did not come to the consumer that waited for it")
            await messages[0].ack()
            self._advance(1)

    def _advance(self, count: int) -> None:
        self._done += count
        self._tick(self._done)


async def _timed(timings: List[float], request: Awaitable[T]) -> T:
    began = time.perf_counter()
    answer = await request
    timings.append(time.perf_counter() - began)
    return answer


def _row(operation: str, messages: int, seconds: Optional[float], timings: Sequence[float]) -> Row:
    ordered = sorted(timings)
    row: Dict[str, object] = {
        "operation": operation,
        "messages": messages,
        "perSecond": None if seconds is None else round(messages / seconds),
    }
    for name, share in (("p50Millis", 0.5), ("p95Millis", 0.95), ("p99Millis", 0.99), ("maxMillis", 1.0)):
        # The smallest measured value that so large a share of them does not exceed.
        row[name] = round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1000, 3)
    return row
