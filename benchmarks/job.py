"""One measurement in a fresh process: ``python -m benchmarks.job CLIENT WORK SECONDS PORT`` prints it as JSON.

The import path decides which version of a client is measured; ``peers.py`` sets it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Awaitable, Callable, Dict

if TYPE_CHECKING:
    from benchmarks.clients.client import Client

_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
_WARM_UP_SECONDS = 0.1
# Imported only in the process that measures it: what one imports must not be in the memory of another.
CLIENTS = {
    "queen": ("queen_client", "QueenClient"),
    "httpx": ("httpx_loop", "connect"),
    "aiohttp": ("aiohttp_loop", "connect"),
    "raw": ("raw", "RawClient"),
}


def _resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_KIB


def _peak_kib() -> int:
    # Not getrusage: its maximum is inherited from the process that forked this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def connect(client: str, url: str) -> Client:
    """One of ``CLIENTS``, of a server."""
    module, constructor = CLIENTS[client]
    made: Callable[[str], Client] = getattr(importlib.import_module(f"benchmarks.clients.{module}"), constructor)
    return made(url)


async def count_for(seconds: float, step: int, run: Callable[[int], Awaitable[None]]) -> int:
    """How many operations take so long; finding out warms everything up."""
    # Connects, and imports what is imported late: that is no part of the rate.
    await run(step)
    count = step
    while True:
        started = time.perf_counter()
        await run(count)
        took = time.perf_counter() - started
        if took >= min(_WARM_UP_SECONDS, seconds):
            return max(step, round(count * seconds / took / step) * step)
        count *= 2


async def _measure_work(client_name: str, work_name: str, seconds: float, port: int) -> Dict[str, float]:
    from benchmarks.server import read_state
    from benchmarks.works import check_counts, work_named

    work = work_named(work_name)
    client = connect(client_name, f"http://127.0.0.1:{port}")
    try:
        count = await count_for(seconds, work.step, lambda count: work.run(client, count))
        before = read_state(port)
        started, cpu_started = time.perf_counter(), time.process_time()
        await work.run(client, count)
        took, cpu = time.perf_counter() - started, time.process_time() - cpu_started
        after = read_state(port)
    finally:
        await client.close()
    check_counts(work, count, before.counts, after.counts)
    return {
        "operations": count,
        "per_second": count / took,
        "cpu_micros": cpu / count * 1e6,
        "peak_kib": _peak_kib(),
        "server_share": (after.cpu_seconds - before.cpu_seconds) / took,
    }


def _measure_routing(servers: int, seconds: float) -> Dict[str, float]:
    from benchmarks.clients.routing import routing
    from benchmarks.content import server_urls

    route = routing(server_urls(servers)).route
    count = 0
    started, cpu_started = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        for _ in range(100):
            route("orders:customer-1042:billing")
        count += 100
    took, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return {
        "operations": count,
        "per_second": count / took,
        "cpu_micros": cpu / count * 1e6,
        "peak_kib": _peak_kib(),
        "server_share": 0.0,
    }


async def _measure_idle(client_name: str, port: int) -> Dict[str, float]:
    before, started = _resident_kib(), time.perf_counter()
    client = connect(client_name, f"http://127.0.0.1:{port}")
    took, after = time.perf_counter() - started, _resident_kib()
    await client.close()
    return {"import_millis": took * 1000, "idle_kib": after - before, "process_kib": after}


def _measure(client: str, work: str, seconds: float, port: int) -> Dict[str, float]:
    if work == "idle":
        return asyncio.run(_measure_idle(client, port))
    if work.startswith("route-"):
        return _measure_routing(int(work.partition("-")[2]), seconds)
    return asyncio.run(_measure_work(client, work, seconds, port))


def main() -> None:
    """Measure what the command line says."""
    client, work, seconds, port = sys.argv[1:]
    out = sys.stdout
    with Path(os.devnull).open("w", encoding="ascii") as nowhere:
        # The published clients print while they work.
        sys.stdout = nowhere
        result = _measure(client, work, float(seconds), int(port))
    out.write(json.dumps(result))


if __name__ == "__main__":
    main()
