"""The conversations recorded with real servers, held with the embedded broker on a socket, in each of its dialects; or
with the server that ``--server`` names."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Iterator, List, Mapping, Optional, Tuple

import pytest

from queen import Queen, UnsupportedByServerError
from tests.conftest import DIALECTS, dialect_of, is_url, served_broker
from tests.contract.differences import LISTED
from tests.contract.replay.runner import problem_of
from tests.contract.replay.scenario import Scenario, scenarios

Held = Tuple[str, Scenario]
Problems = Dict[Tuple[str, str], Optional[str]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        conversations = all_conversations(metafunc.config)
        ids = [f"{dialect}-{scenario.name}" for dialect, scenario in conversations]
        metafunc.parametrize(("dialect", "scenario"), conversations, ids=ids)


def all_conversations(config: pytest.Config) -> List[Held]:
    """Each recorded conversation with each dialect of the server it was held with."""
    server = str(config.getoption("--server"))
    spoken = [dialect_of(server)] if is_url(server) else DIALECTS
    return [
        (dialect, scenario)
        for scenario in scenarios()
        for dialect in spoken
        if (scenario.generation == "0.7") == (dialect == "0.7")
    ]


@contextlib.contextmanager
def serving(held: List[Held], server: str) -> Iterator[List[str]]:
    """The URL of the server for each conversation: a broker of its own for one that puts it into maintenance."""
    if is_url(server):
        yield [server] * len(held)
        return
    with contextlib.ExitStack() as brokers:
        shared: Mapping[str, str] = {dialect: brokers.enter_context(served_broker(dialect)) for dialect in DIALECTS}
        yield [
            brokers.enter_context(served_broker(dialect)) if scenario.is_exclusive else shared[dialect]
            for dialect, scenario in held
        ]


async def hold(held: List[Held], urls: List[str]) -> List[Optional[str]]:
    """Hold conversations; what was not as recorded, for each.

    They wait a lot, so all are held at once. What fails beside all others is held again by itself: a seek to a time
    that is cut to the millisecond misses a message stored in its very first microsecond, once in a thousand times, as
    on the server; and a lease of one second runs out when the machine is busy. Those that put a server that all share
    into maintenance come last.
    """
    alone = [scenario.is_exclusive and urls.count(url) > 1 for url, (_, scenario) in zip(urls, held)]
    found = await asyncio.gather(
        *(_nothing() if later else problem_of(url, scenario) for url, (_, scenario), later in zip(urls, held, alone))
    )
    problems = []
    for url, (dialect, scenario), problem, later in zip(urls, held, found, alone):
        again = later or (problem is not None and scenario.name not in LISTED[dialect])
        problems.append(await problem_of(url, scenario) if again else problem)
        if later:
            # It may have ended in the middle.
            await _end_maintenance(url)
    return problems


async def _nothing() -> None:
    return None


async def _end_maintenance(url: str) -> None:
    async with Queen(url) as client:
        await client.admin.set_maintenance_mode(False)
        with contextlib.suppress(UnsupportedByServerError):
            await client.admin.set_pop_maintenance_mode(False)


@pytest.fixture(scope="module")
def problems(pytestconfig: pytest.Config) -> Problems:
    """What was not as recorded, by dialect and conversation."""
    held = [(dialect, scenario) for dialect, scenario in all_conversations(pytestconfig) if not scenario.skip_reason]
    with serving(held, str(pytestconfig.getoption("--server"))) as urls:
        # In a thread of its own: the loop of the tests stays as it is.
        with ThreadPoolExecutor(1) as thread:
            found = thread.submit(asyncio.run, hold(held, urls)).result()
    return {(dialect, scenario.name): problem for (dialect, scenario), problem in zip(held, found)}


def test_the_server_answers_as_recorded(
    dialect: str, scenario: Scenario, problems: Problems, pytestconfig: pytest.Config
) -> None:
    if scenario.skip_reason is not None:
        pytest.skip(scenario.skip_reason)
    problem = problems[dialect, scenario.name]
    listed = LISTED[dialect].get(scenario.name)
    if listed is None:
        assert problem is None, problem
    elif is_url(str(pytestconfig.getoption("--server"))):
        pytest.skip(f"may be the embedded broker: {listed}")
    else:
        assert problem is not None, "starts to pass: take it off the list in differences.py"


@pytest.mark.parametrize("speaks", LISTED)
def test_the_lists_name_recorded_conversations(speaks: str) -> None:
    generation = "0.7" if speaks == "0.7" else "0.15"
    assert set(LISTED[speaks]) <= {scenario.name for scenario in scenarios() if scenario.generation == generation}
