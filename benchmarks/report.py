"""``results.md``: the required ratios, then the figures of each work."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import attrs

from benchmarks.figures import Figures, Spread
from benchmarks.goals import Goal
from benchmarks.measure import Profiles
from benchmarks.peers import AIOHTTP, HTTPX, THIS, THIS_SPEED, Peer
from benchmarks.profiling import Profile
from benchmarks.works import IDLE, ROUTES, WORKS, Work, work_named

# Of one core; above it the rate may be the server's and not the client's.
_SERVER_BUSY = 0.8

_INTRODUCTION = """\
# Benchmarks

The same work, done by this client and by its peers in one run, in turn, each measurement in a fresh process, against
one server in a process of its own that gives canned answers (server 0.15's, which all of them read). `make bench`
writes this page; `benchmarks/` is how.

- **Rates and costs** are of the client's process: operations per second, and CPU microseconds per operation. Each is
  the median over the rounds, with the lowest and the highest round in brackets.
- **Ratios** compare within each round, and the median of those is shown: *rate* is how many times more operations per
  second this client does than that peer, *CPU* how many times less CPU it needs for one. Above 1, this client is
  better.
- **Every client does the work**: the server counts messages pushed, popped, acknowledged and committed, and a
  measurement whose counts are not exactly those asked for is an error, not a figure.
- **Bare loops** send the bodies that this client sends, encode them and decode the answers: httpx with the standard
  library's JSON, aiohttp with URLs made once and orjson. The raw protocol writes bytes made once, and reads of an
  answer only its length.
- **The server is not what is measured**: its share of one core is in each table, and the row of the raw protocol shows
  how much it can answer at least.

[Scale in the client](scale.md) has the cost of a message with many buffers, partitions and consumers, and the memory of
those that wait.
"""

_BARE = """
The last column is a bare loop on the same HTTP library, against the same peer: it sends the same bodies, and has no
builders, ids, buffers, leases or results for each message. Where it does not reach what is required, the library does
not let a client reach it. Where it does and this client does not, as with buffered pushes, the rest is Python for each
message: a builder, checked options, an id, an encoded item and an awaited call. The profiles at the end show it for
each row that is not met.
"""


@attrs.frozen
class Machine:
    """Where a run was made.

    Attributes:
        processor: its processor.
        cores: how many of its cores the run could use.
        system: its operating system.
        python: the interpreter's version.
        load: how many processes wanted a core in the last minute of the run, those of the run itself included.
    """

    processor: str
    cores: int
    system: str
    python: str
    load: float

    @classmethod
    def this(cls, python: str) -> Machine:
        """The machine that this runs on."""
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        cores = len(os.sched_getaffinity(0))
        system = f"{platform.system()} on {platform.machine()}"
        return cls(next(models, platform.processor()), cores, system, python, os.getloadavg()[0])


def report(
    figures: Figures,
    peers: Sequence[Peer],
    versions: Dict[str, Dict[str, str]],
    goals: Sequence[Goal],
    profiles: Profiles,
    machine: Machine,
) -> str:
    """The page.

    Args:
        figures: what was measured.
        peers: who was measured, in the order of the tables.
        versions: for each peer, the versions that it ran with.
        goals: the required ratios.
        profiles: where the CPU goes of the work whose goals were missed.
        machine: where.
    """
    sections = [_INTRODUCTION, _conditions(figures, peers, versions, machine), _goals(figures, peers, goals)]
    sections.append(
        "## Cost against concurrency and batch size\n\n"
        "![CPU per request against requests at a time](cost-against-concurrency.png)\n\n"
        "![CPU per message against messages in a pop](cost-against-batch.png)\n"
    )
    sections.extend(_work(figures, peers, work) for work in WORKS)
    sections.append(_routes(figures, peers))
    sections.append(_idle(figures, peers))
    sections.extend(_profile(peers, place, profile) for place, profile in profiles.items())
    return "\n".join(sections)


def _conditions(figures: Figures, peers: Sequence[Peer], versions: Dict[str, Dict[str, str]], machine: Machine) -> str:
    rounds = len(figures.results[WORKS[0].name][THIS])
    rows = [
        [peer.title, ", ".join(f"{name} {version}" for name, version in versions[peer.name].items()) or "none"]
        for peer in peers
    ]
    return (
        f"## The run\n\n{machine.processor}, {machine.cores} cores, {machine.system}, CPython {machine.python}; "
        f"{rounds} rounds. The load was {machine.load:.1f} at the end (the run alone makes about 1). The lowest and "
        f"the highest round of a CPU figure lie {figures.noise():.0%} of its median apart (the median of all).\n\n"
        + _table(["client", "runs with"], rows)
    )


def _goals(figures: Figures, peers: Sequence[Peer], goals: Sequence[Goal]) -> str:
    titles = {peer.name: peer.title for peer in peers}
    works = {work.name: work.title for work in WORKS}
    figure_titles = {"cpu_micros": "CPU", "per_second": "operations per second"}
    rows: List[List[str]] = []
    for goal in goals:
        reached = goal.reached(figures)
        rows.append(
            [
                works[goal.work],
                figure_titles[goal.figure],
                titles[goal.client],
                titles[goal.peer],
                goal.worded(goal.times),
                goal.worded(reached),
                "met" if reached >= goal.times else "**not met**",
                _bare(figures, goal),
            ]
        )
    header = ["work", "figure", "client", "against", "required", "reached", "", "a bare loop reaches"]
    return "## Required ratios\n\n" + _table(header, rows) + _BARE


def _bare(figures: Figures, goal: Goal) -> str:
    """What a loop on the same HTTP library reaches, where the goal is not against one."""
    loop = AIOHTTP if goal.client == THIS_SPEED else HTTPX
    if goal.peer == loop or figures.spread(goal.work, goal.figure, loop) is None:
        return ""
    return goal.worded(figures.times_better(goal.work, goal.figure, loop, goal.peer))


def _work(figures: Figures, peers: Sequence[Peer], work: Work) -> str:
    rows: List[List[str]] = []
    busy = False
    for peer in peers:
        rate = figures.spread(work.name, "per_second", peer.name)
        cost = figures.spread(work.name, "cpu_micros", peer.name)
        peak = figures.spread(work.name, "peak_kib", peer.name)
        server = figures.spread(work.name, "server_share", peer.name)
        if rate is None or cost is None or peak is None or server is None:
            continue
        busy = busy or server.median > _SERVER_BUSY
        measured = [_number(rate), _number(cost), f"{peak.median / 1024:.0f}", f"{server.median:.0%}"]
        rows.append([peer.title, *measured, *_ratios(figures, work.name, peer)])
    header = ["client", f"{work.unit}s/s", f"CPU µs per {work.unit}", "peak MiB", "server", *_RATIO_HEADER]
    note = "\nWhere the server's share nears 100%, the rate is the server's; the CPU figures hold.\n" if busy else ""
    return f"## {work.title}\n\n" + _table(header, rows) + note


_RATIO_HEADER = ["default: rate", "CPU", "speed: rate", "CPU"]


def _ratios(figures: Figures, work: str, peer: Peer) -> Iterator[str]:
    for client in (THIS, THIS_SPEED):
        for figure in ("per_second", "cpu_micros"):
            compared = client != peer.name and figures.spread(work, figure, client) is not None
            yield f"{figures.times_better(work, figure, client, peer.name):.2f}" if compared else ""


def _routes(figures: Figures, peers: Sequence[Peer]) -> str:
    rows: List[List[str]] = []
    for work, servers in ROUTES.items():
        for peer in peers:
            cost = figures.spread(work, "cpu_micros", peer.name)
            if cost is not None:
                better = "" if peer.name == THIS else f"{figures.times_better(work, 'cpu_micros', THIS, peer.name):.2f}"
                rows.append([str(servers), peer.title, _number(cost), better])
    return "## Routing one key\n\n" + _table(["servers", "client", "CPU µs per choice", "this client: CPU"], rows)


def _idle(figures: Figures, peers: Sequence[Peer]) -> str:
    rows: List[List[str]] = []
    for peer in peers:
        took = figures.spread(IDLE, "import_millis", peer.name)
        grown = figures.spread(IDLE, "idle_kib", peer.name)
        whole = figures.spread(IDLE, "process_kib", peer.name)
        if took is not None and grown is not None and whole is not None:
            rows.append([peer.title, _number(took), f"{grown.median / 1024:.1f}", f"{whole.median / 1024:.1f}"])
    header = ["client", "import and construction, ms", "memory of both, MiB", "whole process, MiB"]
    return "## An idle client\n\n" + _table(header, rows)


def _profile(peers: Sequence[Peer], place: Tuple[str, str], profile: Profile) -> str:
    work, client = work_named(place[0]), next(peer.title for peer in peers if peer.name == place[1])
    rows = [[_digits(row.own_micros), _digits(row.all_micros), f"`{row.function}`"] for row in profile.rows]
    return (
        f"## Where the CPU goes: {work.title}, {client}\n\n"
        f"{_digits(profile.cpu_micros)} µs per {work.unit} in a run of its own, sampled. C functions count as their "
        "callers'.\n\n" + _table(["own µs", "with calls", "function"], rows)
    )


def _number(spread: Optional[Spread]) -> str:
    if spread is None:
        return ""
    return f"{_digits(spread.median)} ({_digits(spread.lowest)} to {_digits(spread.highest)})"


def _digits(value: float) -> str:
    """Three digits that say something, which is more than the rounds agree on."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
