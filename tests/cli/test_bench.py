"""``queen bench``."""

from __future__ import annotations

import json

from tests.cli.conftest import Cli, create

SMALL = ("--messages", "50", "--batch", "20", "--workers", "3", "--rounds", "5")


def test_it_measures_and_leaves_nothing(each_broker: str, cli: Cli) -> None:
    rows = json.loads(cli.fine("bench", *SMALL, "--json"))
    assert [(row["operation"], row["messages"]) for row in rows] == [
        ("push", 50),
        ("pop", 50),
        ("ack", 50),
        ("end to end", 5),
    ]
    for row in rows:
        assert 0 < row["p50Millis"] <= row["p95Millis"] <= row["p99Millis"] <= row["maxMillis"]
    assert rows[0]["perSecond"] > 0
    assert rows[3]["perSecond"] is None
    assert "queen-bench-" not in cli.fine("queues")


def test_people_see_a_table(cli: Cli) -> None:
    head, *lines = cli.fine("bench", *SMALL).splitlines()
    assert head.split("  ")[0] == "OPERATION"
    assert [line.split("  ")[0] for line in lines] == ["push", "pop", "ack", "end to end"]


def test_a_queue_that_others_have_is_not_touched(cli: Cli, broker_url: str, name: str) -> None:
    create(broker_url, name)
    cli.fine("push", name, "1")
    cli.fine("bench", *SMALL)
    assert cli.fine("tail", name).endswith("  1\n")
