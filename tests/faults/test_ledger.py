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
    # It was a bad day indeed, also on a slow machine.
    outcomes, groups = report.accounts.outcomes(), report.accounts.groups
    assert report.kills > 0
    assert report.stops["cancelled"]
    assert report.stops["signalled"]
    assert len(report.injected) > 5, table(report)
    assert all(outcomes[f"{producer}: accepted"] > 10 for producer in ("direct", "buffered", "transactional"))
    assert all(group.deliveries > group.drained for group in groups.values()), table(report)
    assert sum(sum(group.again.values()) for group in groups.values()) > 0
