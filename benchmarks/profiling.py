"""Where the CPU of one work goes: ``python -m benchmarks.profiling CLIENT WORK PORT`` prints it as JSON.

It samples. A profiler that counts calls would charge each call more than most of them cost.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import List, NamedTuple, Optional, Set

from benchmarks.job import connect, count_for
from benchmarks.works import work_named

# Of CPU, both. The system's clock may be coarser than the interval; then there are fewer samples.
_SECONDS = 1.0
_INTERVAL = 0.001
_ROWS = 15


class Row(NamedTuple):
    """One function's CPU for each operation: its own, and with all that it calls."""

    own_micros: float
    all_micros: float
    function: str


class Profile(NamedTuple):
    """What one operation costs, and the functions that cost most of it."""

    cpu_micros: float
    rows: List[Row]


class Sampler:
    """Notes every millisecond of CPU which functions are running; C functions count as their callers'."""

    def __init__(self) -> None:
        self._own: Counter[CodeType] = Counter()
        self._all: Counter[CodeType] = Counter()
        self._samples = 0

    def start(self) -> None:
        """Sample from now on."""
        signal.signal(signal.SIGPROF, self._note)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)

    def stop(self) -> None:
        """Sample no longer."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def rows(self, micros: float) -> List[Row]:
        """The functions that cost most themselves.

        Args:
            micros: what one operation costs, all in all.
        """
        share = micros / max(self._samples, 1)
        return [
            Row(count * share, self._all[code] * share, _name(code)) for code, count in self._own.most_common(_ROWS)
        ]

    def _note(self, _: int, frame: Optional[FrameType]) -> None:
        if frame is None:
            return
        self._samples += 1
        self._own[frame.f_code] += 1
        running: Set[CodeType] = set()
        while frame is not None:
            running.add(frame.f_code)
            frame = frame.f_back
        self._all.update(running)


def _name(code: CodeType) -> str:
    return f"{'/'.join(Path(code.co_filename).parts[-2:])} {code.co_qualname}"


async def _profile(client_name: str, work_name: str, port: int) -> Profile:
    work = work_named(work_name)
    client = connect(client_name, f"http://127.0.0.1:{port}")
    sampler = Sampler()
    done = 0
    try:
        count = await count_for(_SECONDS / 10, work.step, lambda count: work.run(client, count))
        started = time.process_time()
        sampler.start()
        while time.process_time() - started < _SECONDS:
            await work.run(client, count)
            done += count
        sampler.stop()
        micros = (time.process_time() - started) / done * 1e6
    finally:
        await client.close()
    return Profile(micros, sampler.rows(micros))


def main() -> None:
    """Profile what the command line says."""
    client, work, port = sys.argv[1:]
    out = sys.stdout
    with Path(os.devnull).open("w", encoding="ascii") as nowhere:
        # The published clients print while they work.
        sys.stdout = nowhere
        result = asyncio.run(_profile(client, work, int(port)))
    out.write(json.dumps(result._asdict()))


if __name__ == "__main__":
    main()
