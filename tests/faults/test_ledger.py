"""Nothing that was accepted is lost, whatever happens: the accounts of a short run under faults add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.soak.run import Plan, run
from tests.faults.soak.table import lost, table


# One engine with each dialect: the client's way with faults is another one on each engine, and on each dialect too.
@pytest.mark.parametrize(("engine", "dialect"), [("aiohttp", "embedded"), ("httpx", "0.15")])
async def test_nothing_that_was_accepted_is_lost(
    engine: str, dialect: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    if pytestconfig.getoption("--engine") not in (None, engine):
        pytest.skip("another engine was asked for")
    plan = Plan(seconds=4.0, seed=7, dialect=dialect, engine=engine, pause=0.15, kill_every=1.5, longest=1.5)
    report = await run(plan, tmp_path)
    assert list(report.complaints) == []
    assert lost(report) == 0
    # It was a bad day indeed.
    outcomes, groups = report.accounts.outcomes(), report.accounts.groups
    assert report.kills > 1
    assert report.stops["cancelled"]
    assert report.stops["signalled"]
    assert len(report.injected) > 10, table(report)
    assert sum(outcomes[f"{producer}: accepted"] for producer in ("direct", "buffered", "transactional")) > 100
    assert all(group.deliveries - group.drained > 30 for group in groups.values())
    assert sum(group.again["an answer was lost"] for group in groups.values()) > 0
