"""What a durable buffered push costs: ``python -m benchmarks.outbox`` prints a table.

Each producer pushes one message at a time and waits until it is accepted. The engine answers from memory at once: what
is measured are the client, SQLite and the disk of the folder that ``--folder`` names, and no HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Final, List, Optional, Sequence

import attrs

from benchmarks.scale import CannedEngine, canned_services
from queen.builders.queue import named_queue

_PAYLOAD: Final = {"customer": 1042, "sku": "teapot-blue", "amount": 2, "price": 24.5, "note": "gift"}
_PRODUCERS: Final = (1, 64)
_HEAD: Final = (
    "| buffer | producers | messages/s | CPU us, accepted | CPU us, sent |",
    "| --- | --- | --- | --- | --- |",
)


@attrs.frozen
class Cost:
    """What one run measured.

    Attributes:
        rate: messages a second, from the first push until all are accepted.
        accepting: CPU time of the process for a message until it is accepted, in microseconds.
        sending: the same until a server has it, and it is deleted from the file.
    """

    rate: float
    accepting: float
    sending: float


async def measure(producers: int, each: int, path: Optional[Path]) -> Cost:
    """Push from so many producers at once.

    Args:
        producers: how many.
        each: how many messages each of them pushes.
        path: the file; None for a buffer in memory.
    """
    services = canned_services(CannedEngine())
    count = producers * each
    most = 2 * count + 2
    # Nothing is sent before all is accepted.
    options: Dict[str, object] = {"message_count": most, "max_size": most, "time_millis": 600_000}
    if path is not None:
        options["durable"] = path
    queue = named_queue(services, "orders").buffer(options)
    await queue.push([{"data": _PAYLOAD}])

    async def produce() -> None:
        for _ in range(each):
            await queue.push([{"data": _PAYLOAD}])

    spent, started = time.process_time(), time.perf_counter()
    await asyncio.gather(*(produce() for _ in range(producers)))
    took, accepting = time.perf_counter() - started, time.process_time() - spent
    # From here on a hundred go into one request.
    await named_queue(services, "orders").buffer({**options, "message_count": 100}).push([{"data": _PAYLOAD}])
    await services.buffers.close(60.0)
    sending = time.process_time() - spent
    return Cost(count / took, accepting * 1e6 / count, sending * 1e6 / count)


def _rows(folder: Path, messages: int, rounds: int) -> List[str]:
    rows = []
    for durable in (False, True):
        for producers in _PRODUCERS:
            costs: List[Cost] = []
            for number in range(rounds):
                path = folder / f"{producers}-{number}.db" if durable else None
                costs.append(asyncio.run(measure(producers, max(1, messages // producers), path)))
            rate, accepting, sending = (
                statistics.median(values)
                for values in zip(*((cost.rate, cost.accepting, cost.sending) for cost in costs))
            )
            where = "durable" if durable else "memory"
            rows.append(f"| {where} | {producers} | {rate:,.0f} | {accepting:.0f} | {sending:.0f} |")
    return rows


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outbox", description="What a durable push costs.")
    parser.add_argument("--folder", type=Path, help="where the files are made; a folder of its own in there is removed")
    parser.add_argument("--small", action="store_true", help="a run that takes no time and measures nothing")
    given = parser.parse_args(arguments)
    messages, rounds = (64, 1) if given.small else (6_400, 5)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        rows = _rows(Path(folder), messages, rounds)
    sys.stdout.write("\n".join([*_HEAD, *rows, ""]))


if __name__ == "__main__":
    main()
