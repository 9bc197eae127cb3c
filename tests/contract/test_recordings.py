"""The conversations recorded with real servers, held with the embedded broker on a socket."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import Dict, Iterator, Optional

import pytest

from tests.contract.differences import DELIBERATE, NOT_COVERED
from tests.contract.replay.runner import problem_of
from tests.contract.replay.scenario import Scenario, scenarios

ALL = scenarios()
LISTED = {**DELIBERATE, **NOT_COVERED}


@pytest.fixture(scope="module")
def broker_url() -> Iterator[str]:
    command = [sys.executable, "-m", "queen.broker", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://[\d.]+:\d+", process.stderr.readline())
        assert found is not None
        yield found.group()
        process.terminate()


@pytest.fixture(scope="module")
def problems(broker_url: str) -> Dict[str, Optional[str]]:
    """What was not as recorded, for each conversation. They wait a lot, so all are held at once."""

    async def hold() -> Dict[str, Optional[str]]:
        held = [scenario for scenario in ALL if scenario.skip_reason is None]
        found = await asyncio.gather(*(problem_of(broker_url, scenario) for scenario in held))
        return {scenario.name: problem for scenario, problem in zip(held, found)}

    return asyncio.run(hold())


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_the_broker_answers_as_recorded(scenario: Scenario, problems: Dict[str, Optional[str]]) -> None:
    if scenario.skip_reason is not None:
        pytest.skip(scenario.skip_reason)
    problem = problems[scenario.name]
    if scenario.name in LISTED:
        assert problem is not None, "starts to pass: take it off the list in differences.py"
    else:
        assert problem is None, problem


def test_the_lists_name_recorded_conversations_once() -> None:
    assert set(LISTED) <= {scenario.name for scenario in ALL}
    assert not set(DELIBERATE) & set(NOT_COVERED)
