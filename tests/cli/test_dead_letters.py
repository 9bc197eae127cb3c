"""``queen dlq``."""

from __future__ import annotations

import asyncio
import json
from typing import List, Tuple

import pytest

from queen import Queen
from tests.cli.conftest import Cli, create


def give_up(url: str, name: str, count: int = 3, group: str = "billing") -> None:
    """Make dead letters."""

    async def give() -> None:
        async with Queen(url) as client:
            items = [{"data": {"n": number}, "transactionId": f"order-{number}"} for number in range(count)]
            await client.queue(name).push(items)
            for _ in range(count):
                [message] = await client.queue(name).group(group).pop()
                await message.nack("card\nrefused", status="dlq")

    create(url, name)
    asyncio.run(give())


def test_they_are_listed_with_their_reason(each_broker: str, cli: Cli, name: str) -> None:
    give_up(each_broker, name)
    lines = cli.fine("dlq", "list", name).splitlines()
    when, group, partition, message, reason, data = lines[0].split("  ")
    assert (group, partition, message, reason) == ("billing", "Default", "order-2", r"card\nrefused")
    assert json.loads(data) == {"n": 2}
    assert when.endswith("Z")
    assert len(lines) == 3
    listed = [json.loads(line) for line in cli.fine("dlq", "list", name, "--group", "billing", "--json").splitlines()]
    assert [letter["data"]["n"] for letter in listed] == [2, 1, 0]
    some = cli("dlq", "list", name, "--limit", "1", "--offset", "1")
    assert some.out.split("  ")[3] == "order-1"
    assert some.err == "1 more; --limit and --offset show them\n"
    none = cli("dlq", "list", name, "--group", "other")
    assert (none.code, none.out, none.err) == (0, "", "no dead letters\n")
    assert cli.fine("dlq", "list", name, "--to", "1h") == ""


def test_they_are_pushed_again(cli: Cli, broker_url: str, name: str) -> None:
    give_up(broker_url, name)
    trial = json.loads(cli.fine("dlq", "redrive", name, "--dry-run", "--json"))
    assert (trial["found"], trial["pushed"], trial["removed"]) == (3, 3, 3)
    assert cli.fine("dlq", "redrive", name, "--dry-run").startswith("nothing was changed; it would be: 3 dead letters")
    words = cli.fine("dlq", "redrive", name, "--limit", "2")
    assert words == "3 dead letters found, 2 pushed, 0 pushed before, 2 removed, 0 kept, 0 failed\n"
    assert len(cli.fine("dlq", "list", name).splitlines()) == 1
    assert json.loads(cli.fine("pop", name, "--group", "billing", "--json"))["data"] == {"n": 0}


def test_what_other_groups_read_is_kept_and_said(cli: Cli, broker_url: str, name: str) -> None:
    give_up(broker_url, name, 1)
    cli.fine("pop", name, "--group", "audit", "--ack")
    for command in (("redrive", name), ("purge", name, "--yes")):
        lines = cli.fine("dlq", *command).splitlines()
        assert "1 kept" in lines[0]
        assert lines[2].endswith("other consumer groups read its partition")
    assert len(cli.fine("dlq", "list", name).splitlines()) == 1
    report = json.loads(cli.fine("dlq", "purge", name, "--yes", "--remove", "--json"))
    assert report == {"found": 1, "removed": 1, "kept": 0, "reasons": []}
    assert cli.fine("dlq", "list", name) == ""


def test_they_are_purged(each_broker: str, cli: Cli, name: str) -> None:
    give_up(each_broker, name)
    words = cli.fine("dlq", "purge", name, "--dry-run")
    assert words == "nothing was changed; it would be: 3 dead letters found, 3 removed, 0 kept\n"
    assert len(cli.fine("dlq", "list", name).splitlines()) == 3
    assert cli.fine("dlq", "purge", name, "--yes") == "3 dead letters found, 3 removed, 0 kept\n"
    assert cli.fine("dlq", "list", name) == ""


def test_nobody_purges_by_accident(cli: Cli, broker_url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give_up(broker_url, name, 1)
    ran = cli("dlq", "purge", name)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("queen: --yes: ")
    assert len(cli.fine("dlq", "list", name).splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("list", "q", "--limit", "0"), "limit=0"),
        (("list", "q", "--offset", "-1"), "offset=-1"),
        (("list", "q", "--from", "yesterday"), "--from: 'yesterday' is no time"),
        (("list", "q", "--to", "1x"), "--to: '1x' is no time"),
        (("redrive", "q", "--limit", "0"), "limit=0"),
        (("redrive", "q", "--to-queue", "a/b"), "to_queue='a/b'"),
        (("purge", "a/b", "--yes"), "queue='a/b'"),
        (("burn", "q"), "burn"),
    ],
)
def test_a_bad_argument_is_named(cli: Cli, words: List[str], named: str) -> None:
    ran = cli("dlq", *words)
    assert (ran.code, ran.out) == (2, "")
    assert named in ran.err


@pytest.mark.parametrize("words", [("list",), ("redrive",), ("redrive", "--dry-run"), ("purge", "--yes")])
def test_a_queue_that_is_not_there_is_not_one_without_dead_letters(
    cli: Cli, each_broker: str, name: str, words: Tuple[str, ...]
) -> None:
    ran = cli("dlq", words[0], name, *words[1:])
    assert (ran.code, ran.out, ran.err) == (1, "", f"queen: {name}: Queue not found\n")
