"""``queen queues``, ``groups``, ``lag``, ``seek``, ``trace`` and ``tail``."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Awaitable, Callable, List

import pytest

from queen import Queen
from tests.cli.conftest import Cli, create


def on(url: str, work: Callable[[Queen], Awaitable[object]]) -> None:
    """Do something with a client of a server."""

    async def run() -> None:
        async with Queen(url) as client:
            await work(client)

    asyncio.run(run())


def rows(text: str) -> List[Any]:
    found = json.loads(text)
    assert isinstance(found, list)
    return found


def test_queues_are_listed_with_what_is_in_them(broker_url: str, cli: Cli, name: str) -> None:
    on(broker_url, lambda client: client.queue(name).namespace("shop").task("billing").create())
    cli.fine("push", name, "1", "2")
    [row] = [row for row in rows(cli.fine("queues", "--refresh", "--json")) if row["queue"] == name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row.pop("createdAt"))
    assert row == {
        "queue": name,
        "namespace": "shop",
        "task": "billing",
        "partitions": 1,
        "total": 2,
        "pending": 2,
        "processing": 0,
    }
    head, *lines = cli.fine("queues").splitlines()
    assert head.split() == ["QUEUE", "NAMESPACE", "TASK", "PARTITIONS", "MESSAGES", "PENDING", "PROCESSING"]
    [line] = [line for line in lines if line.startswith(f"{name} ")]
    assert line.split() == [name, "shop", "billing", "1", "2", "2", "0"]
    assert lines == sorted(lines)
    assert len(line) == len(head), "numbers stand below the end of their title"


def test_an_old_server_counts_with_each_listing(each_broker: str, cli: Cli, name: str) -> None:
    create(each_broker, name)
    cli.fine("push", name, "1")
    [row] = [row for row in rows(cli.fine("queues", "--refresh", "--json")) if row["queue"] == name]
    assert (row["total"], row["namespace"]) == (1, None)


def test_groups_are_listed(each_broker: str, cli: Cli, name: str) -> None:
    create(each_broker, name)
    cli.fine("push", name, "1", "2")
    cli.fine("pop", name, "--group", "billing", "--ack")
    [row] = rows(cli.fine("groups", "--queue", name, "--json"))
    assert (row["group"], row["queue"], row["partitions"], row["state"]) == ("billing", name, 1, "Stable")
    assert cli.fine("groups", "--queue", name).splitlines()[1].split()[:3] == ["billing", name, "1"]
    create(each_broker, f"{name}-other")
    none = cli("groups", "--queue", f"{name}-other")
    assert (none.code, none.err) == (0, "no consumer groups\n")


def test_lag_counts_what_is_unread_and_can_be_checked(each_broker: str, cli: Cli, name: str) -> None:
    create(each_broker, name)
    cli.fine("push", name, "1", "2", "3")
    cli.fine("pop", name, "--group", name, "--ack")
    [row] = rows(cli.fine("lag", "--group", name, "--json"))
    assert (row["group"], row["queue"], row["partitions"], row["messages"]) == (name, name, 1, 2)
    assert 0 <= row["seconds"] < 30
    cli.fine("lag", "--group", name, "--fail-above", "2", "--fail-older", "60")
    behind = cli("lag", "--group", name, "--queue", name, "--fail-above", "1")
    assert (behind.code, behind.err) == (1, f"queen: {name} on {name}: 2 unread messages, more than 1\n")
    assert behind.out.splitlines()[1].split()[:4] == [name, name, "1", "2"]
    cli.fine("pop", name, "--group", name, "--ack", "--batch", "5")
    cli.fine("lag", "--group", name, "--fail-above", "0", "--fail-older", "0")


def test_a_group_that_cannot_be_asked_for_is_left_out_and_told(cli: Cli, name: str) -> None:
    cli.fine("push", name, "1", "2")
    cli.fine("pop", name, "--group", f"{name}/odd", "--ack")
    cli.fine("pop", name, "--group", "even", "--ack")
    ran = cli("lag", "--queue", name, "--json")
    assert [row["group"] for row in rows(ran.out)] == ["even"]
    assert f"left out: the group '{name}/odd', which no path can name\n" in ran.err


def test_a_check_of_a_group_that_is_not_there_fails(cli: Cli, name: str) -> None:
    for words in (("--group", name), ("--queue", name)):
        ran = cli("lag", *words, "--fail-above", "5")
        assert (ran.code, ran.out) == (1, "")
        assert repr(name) in ran.err


def test_a_bound_below_zero_is_refused(cli: Cli) -> None:
    ran = cli("lag", "--fail-above", "-1")
    assert (ran.code, ran.err) == (2, "queen: --fail-above: -1 is below 0\n")


def test_a_group_is_moved(cli: Cli, name: str) -> None:
    cli.fine("push", name, "1", "2")
    cli.fine("pop", name, "--group", "g", "--ack", "--batch", "2")
    assert cli.fine("seek", "g", name, "--to-beginning") == f"g moved to the beginning on 1 partition of {name}\n"
    assert cli.fine("pop", name, "--group", "g").endswith("  1\n")
    assert cli.fine("seek", "g", name, "--to-end") == f"g moved to the end on 1 partition of {name}\n"
    assert cli.fine("pop", name, "--group", "g") == ""
    facts = json.loads(cli.fine("seek", "g", name, "--to-time", "1h", "--json"))
    assert (facts["group"], facts["queue"], facts["partitions"]) == ("g", name, 1)
    assert cli.fine("pop", name, "--group", "g").endswith("  1\n")


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        ((), 2, "--to-time, --to-end, --to-beginning: say where to"),
        (("--to-end", "--to-beginning"), 2, "only one of them"),
        (("--to-time", "soon"), 2, "--to-time: 'soon' is no time"),
        (("--to-end",), 1, "the group 'g' has read nothing of the queue"),
    ],
)
def test_a_move_that_cannot_be_is_an_error(cli: Cli, name: str, words: List[str], code: int, named: str) -> None:
    ran = cli("seek", "g", name, *words)
    assert (ran.code, ran.out) == (code, "")
    assert named in ran.err


def test_an_old_server_moves_no_groups(old_broker_url: str, cli: Cli, name: str) -> None:
    ran = cli("seek", "g", name, "--to-end", "--url", old_broker_url)
    assert ran.code == 1
    assert "servers 0.15 and later have" in ran.err


def test_a_trace_is_a_timeline(each_broker: str, cli: Cli, name: str) -> None:
    async def traced(client: Queen) -> None:
        await client.queue(name).push([{"transactionId": "order-1", "data": {"id": 1}}])
        [message] = await client.queue(name).group("billing").pop()
        for step in range(120):
            await message.trace({"data": {"step": step}, "eventType": "info", "traceName": name})

    create(each_broker, name)
    on(each_broker, traced)
    events = [json.loads(line) for line in cli.fine("trace", name, "--json").splitlines()]
    assert [event["data"]["step"] for event in events] == list(range(120))
    first, *others = cli.fine("trace", name).splitlines()
    _when, after, place, message, group, kind, data = first.split("  ")
    assert (after, place, message, group, kind) == ("+0.000s", f"{name}/Default", "order-1", "billing", "info")
    assert json.loads(data) == {"step": 0}
    assert len(others) == 119


def test_a_trace_that_there_is_not_is_an_error(cli: Cli, name: str) -> None:
    ran = cli("trace", name)
    assert (ran.code, ran.err) == (1, f"queen: there are no traces under the name '{name}'\n")


def test_the_latest_messages_are_shown_and_stay_as_they_are(each_broker: str, cli: Cli, name: str) -> None:
    create(each_broker, name)
    cli.fine("push", name, *[json.dumps({"n": number}) for number in range(15)])
    shown = [json.loads(line) for line in cli.fine("tail", name, "--json").splitlines()]
    assert [message["data"]["n"] for message in shown] == list(range(5, 15))
    assert {message["status"] for message in shown} == {"pending"}
    assert len(cli.fine("tail", name, "-n", "3").splitlines()) == 3
    assert len(cli.fine("tail", name, "--from", "1h").splitlines()) == 15
    assert cli.fine("tail", name, "-n", "0") == ""
    assert cli.fine("tail", name, "--from", "2999-01-01") == ""
    assert cli.fine("groups", "--queue", name, "--json") == "[]\n"
    assert json.loads(cli.fine("pop", name, "--json"))["data"] == {"n": 0}


def test_a_payload_that_cannot_be_asked_for_is_told(cli: Cli, name: str) -> None:
    cli.fine("push", name, "1", "--id", "a/b")
    message = json.loads(cli.fine("tail", name, "--json"))
    assert message["dataError"].startswith("no path can hold its transaction id")
    assert "data" not in message
    assert "no path can hold" in cli.fine("tail", name)


def test_a_queue_that_there_is_not_is_an_error(cli: Cli, name: str) -> None:
    ran = cli("tail", name)
    assert (ran.code, ran.out, ran.err) == (1, "", f"queen: {name}: Queue not found\n")
