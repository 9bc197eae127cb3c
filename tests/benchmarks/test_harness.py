"""The benchmarks work: every client does every work against the canned server. No figure is held to anything here."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Callable, Iterator

import pytest

if sys.platform != "linux":
    pytest.skip("the benchmarks read /proc", allow_module_level=True)

from benchmarks.clients.client import Client, CountMismatchError
from benchmarks.figures import Figures
from benchmarks.goals import GOALS
from benchmarks.job import CLIENTS
from benchmarks.measure import canned_server, jobs, run_job
from benchmarks.peers import peers
from benchmarks.profiling import Profile, Row
from benchmarks.report import Machine, report
from benchmarks.server import Counts, read_state
from benchmarks.works import WORKS, Work, check_counts, work_named

_RESULT = {
    "operations": 1.0,
    "per_second": 1000.0,
    "cpu_micros": 500.0,
    "peak_kib": 30720.0,
    "server_share": 0.1,
    "import_millis": 100.0,
    "idle_kib": 1024.0,
    "process_kib": 30720.0,
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with canned_server() as port:
        yield port


@pytest.fixture(params=CLIENTS)
def connect(request: pytest.FixtureRequest) -> Callable[[str], Client]:
    if request.param == "aiohttp":
        pytest.importorskip("aiohttp")
    module, constructor = CLIENTS[request.param]
    connect: Callable[[str], Client] = getattr(importlib.import_module(f"benchmarks.clients.{module}"), constructor)
    return connect


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
async def test_client_does_the_work(connect: Callable[[str], Client], work: Work, port: int) -> None:
    client = connect(f"http://127.0.0.1:{port}")
    before = read_state(port).counts
    try:
        await work.run(client, work.step)
    finally:
        await client.close()
    check_counts(work, work.step, before, read_state(port).counts)


def test_work_left_undone_is_found_out() -> None:
    with pytest.raises(CountMismatchError, match="acked=99"):
        check_counts(work_named("consume-100"), 100, Counts(popped=5), Counts(popped=105, acked=99))


@pytest.mark.parametrize(
    ("work", "figure"), [("push-1", "cpu_micros"), ("route-3", "cpu_micros"), ("idle", "import_millis")]
)
def test_measurement_in_a_fresh_process(work: str, figure: str, port: int) -> None:
    result = run_job("queen", work, 0.01, port)
    assert result[figure] > 0


def test_measurement_that_fails_is_an_error(port: int) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run_job("queen", "push-1", 0.01, port, import_path=[])


def test_report_has_a_row_for_each_goal_and_a_table_for_each_work() -> None:
    compared = peers()
    figures = Figures()
    for turn in range(2):
        for work, peer in jobs(compared, turn):
            twice = peer.client == "queen" and peer.name.startswith("this")
            figures.add(work, peer.name, {**_RESULT, "cpu_micros": 250.0 if twice else 500.0})
    versions = {peer.name: dict.fromkeys(peer.shown, "1.0") for peer in compared}
    profiles = {("push-1", "this-speed"): Profile(137.0, [Row(18.5, 34.0, "asyncio/events.py Handle._run")])}
    page = report(figures, compared, versions, GOALS, profiles, Machine("a processor", 2, "Linux", "3.11", 0.5))
    met = "| CPU | this client, default install | queen-mq 0.12.0 | 2 times less | 2 times less | met |"
    missed = "| CPU | this client, extra `speed` | queen-mq 0.12.0 | 6 times less | 2 times less | **not met** |"
    assert page.count(met) == 2
    assert page.count(missed) == 1
    assert "| 18.5 | 34.0 | `asyncio/events.py Handle._run` |" in page
    assert all(f"## {work.title}" in page for work in WORKS)


def test_each_round_starts_with_another_peer() -> None:
    compared = peers()
    first = [next(iter(jobs(compared, turn)))[1] for turn in range(len(compared))]
    assert first == compared
