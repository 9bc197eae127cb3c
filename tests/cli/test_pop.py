"""``queen pop``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from tests.cli.conftest import Cli, create, environment, queen


def data(lines: str) -> List[object]:
    return [json.loads(line)["data"] for line in lines.splitlines()]


def test_messages_are_given_back_where_nobody_says_otherwise(cli: Cli, name: str) -> None:
    cli.fine("push", name, "1", "2", "3")
    for _ in range(2):
        ran = cli("pop", name, "--batch", "2")
        assert [line.split("  ")[-1] for line in ran.out.splitlines()] == ["1", "2"]
        assert (ran.code, ran.err) == (0, "2 messages given back; --ack acknowledges\n")


def test_acknowledged_ones_do_not_come_again(each_broker: str, cli: Cli, name: str) -> None:
    create(each_broker, name)
    cli.fine("push", name, '{"n": 1}', '{"n": 2}')
    first = cli("pop", name, "--ack", "--json")
    assert (data(first.out), first.err) == ([{"n": 1}], "1 message acknowledged\n")
    assert data(cli.fine("pop", name, "--ack", "--json")) == [{"n": 2}]
    last = cli("pop", name)
    assert (last.code, last.out, last.err) == (0, "", "no messages\n")


def test_groups_and_partitions(cli: Cli, name: str) -> None:
    cli.fine("push", name, "1", "--partition", "a")
    cli.fine("push", name, "2", "--partition", "b")
    assert data(cli.fine("pop", name, "--partition", "b", "--group", "g", "--ack", "--json")) == [2]
    assert data(cli.fine("pop", name, "--group", "g", "--ack", "--json", "--batch", "5")) == [1]
    assert data(cli.fine("pop", name, "--partition", "b", "--json")) == [2]


def test_the_line_for_people_says_when_where_which_and_what(cli: Cli, name: str) -> None:
    cli.fine("push", name, '{"item": "tea\\u001b[31mpot"}', "--id", "order-1", "--partition", "user-7")
    line = cli.fine("pop", name)
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  user-7  order-1  \{"item": "tea\\u001b\[31mpot"\}\n', line
    )


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--batch", "0"), "batch=0"),
        (("--batch", "x"), "--batch"),
        (("--wait", "-1"), "--wait"),
        (("--partition", "a b"), "partition='a b'"),
        (("--group", ""), "group"),
        (("--bacth", "1"), "--bacth"),
    ],
)
def test_a_bad_argument_is_named(cli: Cli, name: str, words: List[str], named: str) -> None:
    ran = cli("pop", name, *words)
    assert (ran.code, ran.out) == (2, "")
    assert named in ran.err


def test_waiting_ends_when_a_message_comes(broker_url: str, cli: Cli, name: str) -> None:
    with waiting(broker_url, name) as process:
        cli.fine("push", name, "1")
        out, _ = process.communicate(timeout=20)
    assert (process.returncode, data(out)) == (0, [1])


def waiting(url: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "queen", "pop", name, "--wait", "60", "--json"],
        env=environment(url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_cannot_be_written_is_not_acknowledged(broker_url: str, cli: Cli, name: str) -> None:
    cli.fine("push", name, "1")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "queen", "pop", name, "--ack"],
        env=environment(broker_url),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    assert data(cli.fine("pop", name, "--json")) == [1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_an_error_and_nothing_is_acknowledged(broker_url: str, cli: Cli, name: str) -> None:
    cli.fine("push", name, "1")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "queen", "pop", name, "--ack"],
            env=environment(broker_url),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=20,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert data(cli.fine("pop", name, "--json")) == [1]


def test_the_real_program_says_the_same(broker_url: str, cli: Cli, name: str) -> None:
    cli.fine("push", name, "1")
    ran = queen("pop", name, "--ack", "--json", url=broker_url)
    assert (ran.code, data(ran.out), ran.err) == (0, [1], "1 message acknowledged\n")
