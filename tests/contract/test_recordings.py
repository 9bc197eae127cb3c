"""The conversations recorded with real servers, held with the embedded broker on a socket."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Optional

import pytest

from tests.contract.differences import DELIBERATE, NOT_COVERED
from tests.contract.replay.runner import problem_of
from tests.contract.replay.scenario import Scenario, scenarios

ALL = scenarios()
LISTED = {**DELIBERATE, **NOT_COVERED}


@pytest.fixture(scope="module")
def problems(broker_url: str) -> Dict[str, Optional[str]]:
    """What was not as recorded, for each conversation. They wait a lot, so all are held at once."""

    async def hold() -> Dict[str, Optional[str]]:
        held = [scenario for scenario in ALL if scenario.skip_reason is None]
        found = await asyncio.gather(*(problem_of(broker_url, scenario) for scenario in held))
        return {scenario.name: problem for scenario, problem in zip(held, found)}

    # In a thread of its own: the loop of the tests stays as it is.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, hold()).result()


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_the_broker_answers_as_recorded(scenario: Scenario, problems: Dict[str, Optional[str]]) -> None:
    if scenario.skip_reason is not None:
        pytest.skip(scenario.skip_reason)
    problem = problems[scenario.name]
    if scenario.name in NOT_COVERED and problem is not None:
        assert "File Not Found" in problem, f"fails, but not for want of {NOT_COVERED[scenario.name]}: {problem}"
    if scenario.name in LISTED:
        assert problem is not None, "starts to pass: take it off the list in differences.py"
    else:
        assert problem is None, problem


def test_the_lists_name_recorded_conversations_once() -> None:
    assert set(LISTED) <= {scenario.name for scenario in ALL}
    assert not set(DELIBERATE) & set(NOT_COVERED)
