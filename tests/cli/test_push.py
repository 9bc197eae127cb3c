"""``queen push``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import List

import pytest

from tests.cli.conftest import Cli, environment, queen


def payloads(cli: Cli, name: str, *more: str) -> List[object]:
    lines = cli.fine("tail", name, "-n", "10000", "--json", *more).splitlines()
    return [json.loads(line)["data"] for line in lines]


def test_arguments_are_pushed_in_their_order(cli: Cli, name: str) -> None:
    assert cli.fine("push", name, '{"item": "teapot"}', "7", '"text"', "null") == "4 messages pushed\n"
    assert payloads(cli, name) == [{"item": "teapot"}, 7, "text", None]


def test_an_id_is_stored_once(cli: Cli, name: str) -> None:
    assert cli.fine("push", name, "1", "--id", "order-1", "--partition", "user-7") == "1 message pushed\n"
    again = cli.fine("push", name, "1", "--id", "order-1", "--partition", "user-7", "--json")
    assert json.loads(again) == {"pushed": 0, "duplicate": 1, "buffered": 0}
    assert payloads(cli, name) == [1]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("QUEUE", "hello"), "MESSAGE 1: 'hello' is no JSON"),
        (("QUEUE", "1", "NaN"), "MESSAGE 2: 'NaN' is no JSON: it knows no NaN"),
        (("QUEUE", "1e999"), "MESSAGE 1: "),
        (("QUEUE", '"\\u0000"'), "MESSAGE 1: "),
        (("QUEUE", "1", "2", "--id", "a"), "--id: "),
        (("QUEUE", "1", "--id", ""), "--id is empty"),
        (("QUEUE", "1", "--file", "x.jsonl"), "--file: "),
        (("QUEUE", "--file", "no-such.jsonl"), "--file no-such.jsonl: No such file"),
        (("QUEUE", "--file", "."), "--file .: Is a directory"),
        (("a/b", "1"), "queue='a/b'"),
        (("QUEUE", "1", "--partition", ""), "partition"),
        (("QUEUE", "1", "--envelope"), "MESSAGE 1: no JSON object"),
        (("QUEUE", '{"data": 1, "transactionID": "a"}', "--envelope"), "did you mean 'transactionId'?"),
        (("QUEUE", '{"transactionId": "a"}', "--envelope"), "MESSAGE 1: "),
        (("QUEUE", '{"data": 1, "traceId": "a"}', "--envelope"), "MESSAGE 1: "),
        (("QUEUE", '{"data": 1, "partition": 5}', "--envelope"), "MESSAGE 1: partition=5"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_sent(cli: Cli, name: str, words: List[str], named: str) -> None:
    ran = cli("push", *[name if word == "QUEUE" else word for word in words])
    assert (ran.code, ran.out) == (2, "")
    assert named in ran.err
    assert "Traceback" not in ran.err
    assert cli("tail", name).code == 1, "the queue was made"


def test_a_file_is_pushed_and_its_blank_lines_are_not(cli: Cli, name: str, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_bytes(b"\xef\xbb\xbf1\r\n\n  \n" + b"".join(b"%d\n" % number for number in range(2, 1300)) + b"1300")
    assert cli.fine("push", name, "--file", str(file)) == "1,300 messages pushed\n"
    assert payloads(cli, name) == list(range(1, 1301))


def test_of_a_file_with_a_bad_line_nothing_is_sent(cli: Cli, name: str, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text("".join(f"{number}\n" for number in range(700)) + "{oops\n1\n")
    ran = cli("push", name, "--file", str(file))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("queen: line 701: '{oops' is no JSON")
    assert ran.err.endswith("; nothing was sent\n")
    assert cli("tail", name).code == 1


def test_lines_may_say_their_ids_and_partitions(cli: Cli, name: str, tmp_path: Path) -> None:
    file = tmp_path / "envelopes.jsonl"
    lines = [
        {"data": {"n": 1}, "transactionId": "one", "partition": "a"},
        {"data": {"n": 2}, "partition": "b", "traceId": "5f0c2a1b-3d4e-4f50-8a6b-7c8d9e0f1a2b"},
        {"data": {"n": 3}, "partition": None},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    cli.fine("push", name, "--file", str(file), "--envelope", "--partition", "rest")
    found = [json.loads(line) for line in cli.fine("tail", name, "--json").splitlines()]
    assert sorted((message["data"]["n"], message["partition"]) for message in found) == [
        (1, "a"),
        (2, "b"),
        (3, "rest"),
    ]
    assert {message["transactionId"] for message in found} >= {"one"}
    assert {message["traceId"] for message in found} == {None, "5f0c2a1b-3d4e-4f50-8a6b-7c8d9e0f1a2b"}


def test_what_pop_and_tail_write_can_be_pushed_again(cli: Cli, name: str, tmp_path: Path) -> None:
    cli.fine("push", name, '{"n": 1}', "--id", "first")
    for words in (("pop", name, "--json"), ("tail", name, "--json")):
        file = tmp_path / "copy.jsonl"
        file.write_text(cli.fine(*words))
        assert json.loads(cli.fine("push", name, "--file", str(file), "--envelope", "--json"))["duplicate"] == 1


def test_a_pipe_is_pushed(broker_url: str, cli: Cli, name: str) -> None:
    ran = queen("push", name, url=broker_url, stdin="".join(f"{number}\n" for number in range(2500)))
    assert (ran.code, ran.out, ran.err) == (0, "2,500 messages pushed\n", "")
    assert payloads(cli, name) == list(range(2500))


def test_a_bad_line_of_a_pipe_is_named_with_what_was_sent_before(broker_url: str, cli: Cli, name: str) -> None:
    lines = [*map(str, range(600)), "oops", "600"]
    ran = queen("push", name, url=broker_url, stdin="\n".join(lines))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("queen: line 601: 'oops' is no JSON")
    assert ran.err.endswith("; 600 messages were sent before\n")
    assert payloads(cli, name) == list(range(600))


def test_an_empty_pipe_pushes_nothing(broker_url: str, name: str) -> None:
    assert queen("push", name, url=broker_url).out == "0 messages pushed\n"


def test_ctrl_c_tells_how_many_lines_of_a_pipe_were_sent(broker_url: str, cli: Cli, name: str) -> None:
    command = [sys.executable, "-m", "queen", "push", name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment(broker_url), **pipes) as process:  # type: ignore[call-overload]
        assert process.stdin is not None
        process.stdin.write(b"1\n2\n3\n")
        process.stdin.flush()
        # What came through the pipe is sent at once, and not kept for more.
        until_there_are(broker_url, name, 3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, b"", b"3 messages were sent before\n")


def until_there_are(url: str, name: str, count: int) -> None:
    for _ in range(100):
        if len(queen("tail", name, url=url).out.splitlines()) == count:
            return
    raise AssertionError(f"there are no {count} messages")


def test_a_server_that_is_gone_is_told_with_what_was_not_sent(name: str) -> None:
    ran = queen("push", name, url="http://127.0.0.1:1", stdin="1\n2\n")
    assert ran.code == 3
    assert "connection refused" in ran.err
    assert ran.err.endswith("; 0 messages were sent before, 2 that were read were not\n")


def test_closed_streams_are_empty_ones(broker_url: str, name: str) -> None:
    command = f"{sys.executable} -W error -m queen push {name} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], env=environment(broker_url), timeout=20, check=False).returncode == 0


def test_a_named_pipe_is_read_as_it_comes(broker_url: str, cli: Cli, name: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("1\n2\n",))
    writer.start()
    assert queen("push", name, "--file", str(pipe), url=broker_url).out == "2 messages pushed\n"
    writer.join()
    assert payloads(cli, name) == [1, 2]
