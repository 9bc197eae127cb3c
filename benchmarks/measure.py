"""The rounds: each work, by each peer in turn, each time in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence, Tuple

from benchmarks.figures import Figures, Result
from benchmarks.goals import Goal
from benchmarks.peers import ROOT, Peer
from benchmarks.profiling import Profile, Row
from benchmarks.works import IDLE, ROUTES, WORKS

# By work and peer.
Profiles = Dict[Tuple[str, str], Profile]

# A measurement takes a second or two; one that hangs must not stop the run for ever.
_LONGEST_SECONDS = 60


@contextmanager
def canned_server() -> Iterator[int]:
    """The canned-answer server in a process of its own; gives its port."""
    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.stdin.close()


def run_job(client: str, work: str, seconds: float, port: int, import_path: Optional[Sequence[str]] = None) -> Result:
    """Measure once, in a fresh process.

    Args:
        client: which of ``benchmarks/clients``.
        work: the name of the work.
        seconds: about how long.
        port: the canned server's.
        import_path: all that it may import beside the standard library; None for what this process may.

    Raises:
        subprocess.SubprocessError: it failed, or did not end; its standard error is not held back.
    """
    result: Result = json.loads(_output("benchmarks.job", [client, work, str(seconds), str(port)], import_path))
    return result


def run_profile(client: str, work: str, port: int, import_path: Optional[Sequence[str]] = None) -> Profile:
    """Find out in a fresh process where the CPU of one work goes; arguments and errors as of ``run_job``."""
    found = json.loads(_output("benchmarks.profiling", [client, work, str(port)], import_path))
    return Profile(found["cpu_micros"], [Row(*row) for row in found["rows"]])


def _output(module: str, arguments: Sequence[str], import_path: Optional[Sequence[str]]) -> bytes:
    # Without the site and the working directory, or each peer would import this client.
    isolation = [] if import_path is None else ["-S", "-P"]
    environment = dict(os.environ)
    if import_path is not None:
        environment["PYTHONPATH"] = os.pathsep.join(import_path)
    command = [sys.executable, *isolation, "-m", module, *arguments]
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, timeout=_LONGEST_SECONDS
    )
    return finished.stdout


def jobs(peers: Sequence[Peer], turn: int) -> Iterator[Tuple[str, Peer]]:
    """What one round measures; each round starts with another peer."""
    offset = turn % len(peers)
    order = [*peers[offset:], *peers[:offset]]
    for work in WORKS:
        yield from ((work.name, peer) for peer in order)
    for name in (*ROUTES, IDLE):
        yield from ((name, peer) for peer in order if name in peer.works)


def measure(peers: Sequence[Peer], *, rounds: int, seconds: float, budget: float, raw_results: Path) -> Figures:
    """Measure all.

    Args:
        peers: who.
        rounds: how often, at most.
        seconds: about how long each measurement takes.
        budget: after how many seconds no further round is started.
        raw_results: where the single results are kept.
    """
    figures = Figures()
    started = time.monotonic()
    longest = 0.0
    with canned_server() as port:
        for turn in range(rounds):
            begun = time.monotonic()
            if turn and begun - started + longest > budget:
                break
            for work, peer in jobs(peers, turn):
                figures.add(work, peer.name, run_job(peer.client, work, seconds, port, peer.import_path))
            longest = max(longest, time.monotonic() - begun)
            raw_results.write_text(json.dumps(figures.results), encoding="utf-8")
    return figures


def profile_missed(figures: Figures, peers: Sequence[Peer], goals: Sequence[Goal]) -> Profiles:
    """Profile the work of each goal that was not reached."""
    by_name = {peer.name: peer for peer in peers}
    profiles: Profiles = {}
    with canned_server() as port:
        for goal in goals:
            place, peer = (goal.work, goal.client), by_name[goal.client]
            if goal.reached(figures) < goal.times and place not in profiles:
                profiles[place] = run_profile(peer.client, goal.work, port, peer.import_path)
    return profiles
