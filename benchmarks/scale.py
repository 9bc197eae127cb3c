"""How the client scales: ``make scale`` prints a table and writes it, with its plot, beside this file.

The cost of a message is CPU time of this process, over an engine that answers from memory at once: what is left is the
client's own work, without HTTP, so that growth would show. The memory of idle consumers is measured over real sockets.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import statistics
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Awaitable, Callable, Dict, Final, List, Optional, Sequence, Tuple

import attrs
from typing_extensions import override

from queen import Queen
from queen.builders.queue import QueueBuilder, named_queue
from queen.builders.services import Services, services_over
from queen.config import client_config
from queen.message import Message
from queen.transport.engine import Engine, Headers, Reply
from queen.transport.transport import Transport

_URL: Final = "http://canned:6632"
_PAYLOAD: Final = {"customer": 1042, "sku": "teapot-blue", "amount": 2, "price": 24.5, "note": "gift"}
_ROUNDS: Final = 3
# Messages in one request, of pushes and pops.
_TOGETHER: Final = 10

_PAGE: Final = """# Scale in the client

The CPU time that a message costs the client, without HTTP, by what else the client has at hand; and the memory of what
only waits. `make scale` writes this page; `benchmarks/scale.py` is how.

One buffer alone is dear, since a timer and a request serve only its ten messages. What grows with many buffers and
consumers is the work of Python's garbage collector and of the processor's caches, for all that is in hand at the same
time: without the collector (`gc off`) a thousand consumers cost about what one does.

![CPU per message by the number of buffers, partitions and consumers](scale.png)

"""

# By a number of buffers, partitions or consumers: microseconds for a message.
Costs = Dict[int, float]


@attrs.frozen
class Sizes:
    """What is measured.

    Attributes:
        buffers: numbers of buffers that hold messages at once.
        partitions: numbers of partitions that the client has seen before.
        consumers: numbers of consumers.
        messages: how many messages each cost is measured over, at least.
    """

    buffers: Sequence[int] = (1, 10, 100, 1_000, 10_000)
    partitions: Sequence[int] = (1, 10, 100, 1_000, 10_000, 100_000)
    consumers: Sequence[int] = (1, 10, 100, 1_000)
    messages: int = 10_000


_SMALL: Final = Sizes(buffers=(1, 10), partitions=(1, 10), consumers=(1, 5), messages=100)


class CannedEngine(Engine):
    """Answers pushes, pops and acks at once, each pop with messages of a partition of its own."""

    def __init__(self) -> None:
        self._pops = 0
        self._awaited = 0
        self._arrived: Optional[asyncio.Future[None]] = None

    def arrival(self, count: int) -> asyncio.Future[None]:
        """Done when so many messages were pushed from now on."""
        self._awaited = count
        self._arrived = asyncio.get_running_loop().create_future()
        return self._arrived

    @override
    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        """The answer of a server that accepts everything."""
        # As over a socket, others have their turn meanwhile.
        await asyncio.sleep(0)
        count = (body or b"").count(b'"transactionId"')
        if target.startswith("/api/v1/push"):
            answer = _listed(b'{"status":"queued","message_id":"%d"}', count)
            self._awaited -= count
            if self._arrived is not None and self._awaited == 0:
                self._arrived.set_result(None)
        elif target.startswith("/api/v1/ack"):
            answer = _listed(b'{"index":%d,"success":true,"error":null,"dlq":false,"leaseReleased":true}', count)
        elif target.startswith("/api/v1/pop"):
            answer = self._popped(int(target.partition("batch=")[2].partition("&")[0]))
        else:
            answer = b'{"status":"healthy","server":"libqueen"}'
        return Reply(200, {"content-type": "application/json"}, answer)

    @override
    async def close(self) -> None:
        """There is nothing to close."""

    def _popped(self, count: int) -> bytes:
        self._pops += 1
        own = b'"partitionId":"%d","partition":"p%d","leaseId":"%d"' % (self._pops, self._pops, self._pops)
        rest = b'"data":%s,"traceId":null,"createdAt":"2026-11-20T10:20:30.123456Z"' % json.dumps(_PAYLOAD).encode()
        message = b'{"id":"%d","transactionId":"%d",' + b"%b,%b}" % (own, rest)
        messages = b",".join(message % (number, number) for number in range(count))
        return b'{"success":true,"messages":[%b]}' % messages


def _listed(entry: bytes, count: int) -> bytes:
    return b"[%b]" % b",".join(entry % number for number in range(count))


def canned_services(engine: CannedEngine) -> Services:
    """The parts of a client over the canned engine."""
    return services_over(Transport(client_config(_URL, {}), engine, engine), [_URL])


async def _fill(queues: Sequence[QueueBuilder], options: Dict[str, int], count: int) -> None:
    for _ in range(count):
        for queue in queues:
            await queue.buffer(options).push([{"data": _PAYLOAD}])


def _partitions(services: Services, count: int) -> List[QueueBuilder]:
    queue = named_queue(services, "orders")
    return [queue.partition(f"p{number}") for number in range(count)]


async def buffer_cost(count: int, sizes: Sizes) -> float:
    """Push into so many buffers in turn; their time sends them. Microseconds for a message."""
    engine = CannedEngine()
    services = canned_services(engine)
    queues = _partitions(services, count)
    rounds = max(1, sizes.messages // (count * _TOGETHER))
    started = time.process_time()
    for _ in range(rounds):
        arrived = engine.arrival(count * _TOGETHER)
        await _fill(queues, {"message_count": 1_000, "time_millis": 1}, _TOGETHER)
        await arrived
    spent = time.process_time() - started
    await services.buffers.close(1.0)
    return spent * 1e6 / (rounds * count * _TOGETHER)


async def partition_costs(sizes: Sizes) -> Tuple[Costs, float]:
    """Push to, and consume from, one partition after the other.

    Returns:
        Microseconds for a message, by the number of partitions seen before; and the bytes that the process has grown by
        for each partition.
    """
    services = canned_services(CannedEngine())
    queue = named_queue(services, "orders").buffer({"message_count": _TOGETHER, "time_millis": 60_000})
    # Over so many partitions each cost is measured.
    span = max(1, sizes.messages // (2 * _TOGETHER))
    items = [{"data": _PAYLOAD}] * _TOGETHER
    consumed = named_queue(services, "orders").batch(_TOGETHER)
    costs: Costs = {}
    seen = 0

    async def visit(until: int) -> None:
        nonlocal seen
        while seen < until:
            seen += 1
            await queue.partition(f"p{seen}").push(items)
            for message in (await consumed.pop())[-1:]:
                await message.ack()

    await visit(1)
    grown_from = _resident()
    for mark in sizes.partitions:
        await visit(mark)
        started = time.process_time()
        first = seen
        await visit(first + span)
        costs[mark] = (time.process_time() - started) * 1e6 / ((seen - first) * 2 * _TOGETHER)
    await services.buffers.flush()
    return costs, (_resident() - grown_from) / seen


async def consumer_cost(count: int, sizes: Sizes, *, collects: bool = True) -> float:
    """Let so many consumers handle one message at a time. Microseconds for a message.

    What a thousand of them have in hand at one time is looked through by Python's garbage collector again and again;
    ``collects=False`` measures without it.
    """
    services = canned_services(CannedEngine())
    # Enough for each that its beginning and end count little.
    limit = max(10, sizes.messages // count)
    queue = named_queue(services, "orders").limit(limit)
    if not collects:
        gc.disable()
    started = time.process_time()
    try:
        await asyncio.gather(*(queue.consume(_handle) for _ in range(count)))
    finally:
        gc.enable()
    return (time.process_time() - started) * 1e6 / (count * limit)


def _handle(message: Message) -> None:
    """Nothing is done with it."""


async def buffer_memory(count: int) -> Tuple[float, float]:
    """Bytes of a buffer and of a message in it, as Python allocates them."""
    services = canned_services(CannedEngine())
    queues = _partitions(services, count)
    held = {"message_count": 1_000, "time_millis": 60_000}
    # What is made once for all buffers is none's own.
    await _fill(_partitions(services, 1), held, 1)
    await services.buffers.flush()
    tracemalloc.start()
    empty = tracemalloc.get_traced_memory()[0]
    await _fill(queues, held, 1)
    one = tracemalloc.get_traced_memory()[0]
    await _fill(queues, held, 1)
    two = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    await services.buffers.close(10.0)
    message = (two - one) / count
    return (one - empty) / count - message, message


async def consumer_memory(count: int) -> Tuple[float, float, float]:
    """Memory (bytes), tasks and connections of an idle consumer that waits for messages over a socket."""
    context = multiprocessing.get_context("spawn")
    polls, connections, port = context.Value("i", 0), context.Value("i", 0), context.Value("i", 0)
    server = context.Process(target=_hold_polls, args=(port, polls, connections), daemon=True)
    server.start()
    try:
        await _until(lambda: port.value)
        queen = Queen(f"http://127.0.0.1:{port.value}")
        signal = asyncio.Event()
        queue = queen.queue("orders")
        # The first loads what all share.
        tasks = [asyncio.ensure_future(queue.consume(_handle, signal))]
        await _until(lambda: polls.value == 1)
        before, tasks_before = _resident(), len(asyncio.all_tasks())
        tasks += [asyncio.ensure_future(queue.consume(_handle, signal)) for _ in range(count)]
        await _until(lambda: polls.value == count + 1)
        grown, more = _resident() - before, len(asyncio.all_tasks()) - tasks_before
        signal.set()
        await asyncio.gather(*tasks)
        await queen.close()
        return grown / count, more / count, (connections.value - 1) / count
    finally:
        server.terminate()
        server.join()


class _Counter:
    """A number that two processes share; ``multiprocessing`` does not name its type."""

    value: int


def _hold_polls(port: _Counter, polls: _Counter, connections: _Counter) -> None:
    """Serve long polls that are never answered."""

    class Held(asyncio.Protocol):
        @override
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connections.value += 1

        @override
        def data_received(self, data: bytes) -> None:
            polls.value += data.count(b"\r\n\r\n")

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Held, "127.0.0.1", 0, backlog=1_024)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    _allow_files(4_096)
    asyncio.run(serve())


async def _until(holds: Callable[[], object]) -> None:
    while not holds():  # noqa: ASYNC110  (another process makes it so)
        await asyncio.sleep(0.01)


def _resident() -> int:
    """The resident memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def _allow_files(count: int) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def _medians(counts: Sequence[int], measure: Callable[[int], Awaitable[float]]) -> Costs:
    """Each cost several times, in turn, so that a busy moment of the machine does not fall on one of them."""
    found: Dict[int, List[float]] = {count: [] for count in counts}
    for _ in range(_ROUNDS):
        for count in counts:
            found[count].append(asyncio.run(_measured(measure, count)))
    return {count: statistics.median(costs) for count, costs in found.items()}


async def _measured(measure: Callable[[int], Awaitable[float]], count: int) -> float:
    return await measure(count)


def _table(costs: Dict[str, Costs], facts: Dict[str, str]) -> str:
    lines = ["| number of | how many | us/message | against the cheapest |", "| --- | ---: | ---: | ---: |"]
    for what, by_count in costs.items():
        least = min(by_count.values())
        lines += [f"| {what} | {count:,} | {cost:.1f} | {cost / least:.2f} |" for count, cost in by_count.items()]
    return "\n".join([*lines, "", *(f"- {what}: {value}" for what, value in facts.items())]) + "\n"


def _plot(costs: Dict[str, Costs], path: Path) -> None:
    try:
        from matplotlib import pyplot  # type: ignore[import-not-found, unused-ignore]  # not needed for the table
    except ImportError:
        sys.stdout.write("\nno plot: matplotlib is not installed\n")
        return
    pyplot.switch_backend("Agg")
    figure, panels = pyplot.subplots(1, len(costs), figsize=(4 * len(costs), 3.2), layout="constrained")
    for panel, (what, by_count) in zip(panels, costs.items()):
        panel.plot(list(by_count), list(by_count.values()), marker="o")
        panel.set(xscale="log", xlabel=what, ylabel="CPU, us per message", ylim=(0, 1.6 * max(by_count.values())))
        panel.grid(visible=True, alpha=0.3)
    figure.suptitle("Cost of a message in the client")
    figure.savefig(path, dpi=110)


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measure, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="small numbers, in seconds, to see that it works")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent, help="where the page and its plot go")
    options = parser.parse_args(arguments)
    sizes = _SMALL if options.small else Sizes()
    _allow_files(4 * max(sizes.consumers))
    # Memory first, before the process has room that was used and freed.
    held, tasks, connections = asyncio.run(consumer_memory(max(sizes.consumers)))
    buffer, message = asyncio.run(buffer_memory(max(sizes.buffers)))
    by_partitions, grown = asyncio.run(partition_costs(sizes))
    costs = {
        "buffers": _medians(sizes.buffers, lambda count: buffer_cost(count, sizes)),
        "partitions seen": by_partitions,
        "consumers": _medians(sizes.consumers, lambda count: consumer_cost(count, sizes)),
        "consumers, gc off": _medians(sizes.consumers, lambda count: consumer_cost(count, sizes, collects=False)),
    }
    facts = {
        "idle consumer": f"{held / 1024:.1f} kB resident, {tasks:.1f} tasks, {connections:.1f} connections",
        "buffer": f"{buffer / 1024:.2f} kB, and {message / 1024:.2f} kB for each message in it",
        "partition seen": f"{grown:.0f} bytes",
    }
    table = _table(costs, facts)
    sys.stdout.write(table)
    _plot(costs, options.folder / "scale.png")
    (options.folder / "scale.md").write_text(_PAGE + table, encoding="utf-8")


if __name__ == "__main__":
    main()
