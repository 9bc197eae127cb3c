"""The program as a whole: its help, its exit codes, its servers, and what is missing."""

from __future__ import annotations

import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import List

import pytest

from tests.cli.conftest import Cli, create, queen
from tests.scripted_server import Answer, Received, Scripted, ScriptedServer, answers

COMMANDS = [
    "bench",
    "completion",
    "dlq",
    "doctor",
    "groups",
    "lag",
    "pop",
    "push",
    "queues",
    "seek",
    "serve",
    "tail",
    "trace",
]


def test_alone_it_shows_its_help(cli: Cli) -> None:
    alone, asked = cli(), cli("--help")
    assert alone == asked
    assert (alone.code, alone.err) == (0, "")
    for word in (*COMMANDS, "Exit codes: 0 fine", "QUEEN_URL", "QUEEN_TOKEN"):
        assert word in alone.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(cli: Cli, command: str) -> None:
    shown = cli.fine(command, "--help")
    assert shown.startswith(f"Usage: queen {command}")
    if command not in ("completion", "dlq", "serve"):
        assert "--url" in shown
        assert "--json" in shown


@pytest.mark.parametrize("command", ["list", "redrive", "purge"])
def test_so_have_those_of_dead_letters(cli: Cli, command: str) -> None:
    assert "--group" in cli.fine("dlq", command, "--help")


def test_the_version(cli: Cli) -> None:
    assert cli.fine("--version") == f"queen {version('queen-mq')}\n"
    assert cli.fine("push", "--version") == f"queen {version('queen-mq')}\n"


def test_both_names_of_the_program(broker_url: str) -> None:
    script = Path(sys.executable).with_name("queen")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == queen("--version", url=broker_url).out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("burn",), "burn"),
        (("pop",), "QUEUE"),
        (("queues", "extra"), "extra"),
        (("queues", "--nonsense"), "--nonsense"),
        (("queues", "--url"), "--url"),
        (("queues", "--url", "ftp://a"), "--url: url='ftp://a' begins with 'ftp://'"),
        (("queues", "--url", "memory://a"), "--url: a broker in memory ends with its command"),
        (("queues", "--url", "http://a,http://a"), "--url: urls names http://a twice"),
        (("queues", "--token-file", "no-such-file"), "--token-file no-such-file: No such file"),
        (("bench", "--workers", "0"), "--workers"),
        (("serve", "--port", "70000"), "--port"),
        (("serve", "--dialect", "0.9"), "--dialect"),
        (("serve", "--token-file", "no-such-file"), "--token-file no-such-file"),
    ],
)
def test_bad_words_are_named(cli: Cli, words: List[str], named: str) -> None:
    ran = cli(*words)
    assert (ran.code, ran.out) == (2, "")
    assert named in ran.err
    assert len(ran.err.splitlines()) == 1


def test_several_servers_are_said_in_one_text_or_in_several(cli: Cli, broker_url: str, name: str) -> None:
    gone = "http://127.0.0.1:1"
    cli.fine("push", name, "1", "--url", f"{gone}, {broker_url}")
    cli.fine("push", name, "2", "--url", gone, "--url", broker_url)
    assert len(cli.fine("tail", name).splitlines()) == 2


def test_the_environment_names_the_servers(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEEN_URL", "http://127.0.0.1:1,http://127.0.0.1:2")
    ran = cli("queues")
    assert ran.code == 3
    assert "http://127.0.0.1:1 (" in ran.err
    assert "http://127.0.0.1:2 (" in ran.err
    monkeypatch.setenv("QUEEN_URL", "nonsense")
    assert cli("queues").err.startswith("queen: QUEEN_URL: url='nonsense'")


def test_a_file_of_the_embedded_broker_is_a_server(cli: Cli, name: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/queue.db"
    cli.fine("push", name, "1", "--url", url)
    assert cli.fine("tail", name, "--url", url).endswith("  1\n")


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 4), (404, 1), (500, 1), (502, 3), (503, 3), (504, 3)])
async def test_what_a_server_answers_is_an_exit_code(status: int, code: int) -> None:
    import asyncio

    async with ScriptedServer(lambda _: Scripted(b"<p>no</p>", status)) as server:
        ran = await asyncio.to_thread(queen, "queues", url=server.url)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("queen: ")
    assert len(ran.err.splitlines()) == 1


async def test_tokens_are_sent_and_never_shown(tmp_path: Path) -> None:
    import asyncio

    token = "s3cr3t-token"

    def script(received: Received) -> Answer:
        if received.headers.get("authorization") != f"Bearer {token}":
            return answers({"error": f"not {received.headers.get('authorization')}"}, 401)
        return answers({"queues": []})

    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    async with ScriptedServer(script) as server:
        run = lambda *words, **more: asyncio.to_thread(queen, *words, url=server.url, **more)  # noqa: E731
        assert (await run("queues", QUEEN_TOKEN=token)).code == 0
        assert (await run("queues", "--token-file", str(file), QUEEN_TOKEN="another")).code == 0
        refused = await run("queues", QUEEN_TOKEN="another-token")
        without = await run("queues")
        shown = await run("queues", "--token-file", str(file), "--help", QUEEN_TOKEN=token)
    assert (refused.code, without.code, shown.code) == (4, 4, 0)
    assert "another-token" not in refused.err + refused.out
    assert token not in shown.out + shown.err


@pytest.mark.parametrize("content", ["", "two words", "caf\xe9"])
def test_a_file_without_a_token_is_refused(cli: Cli, tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    ran = cli("queues", "--token-file", str(file))
    assert ran.code == 2
    assert ran.err == f"queen: --token-file {file}: holds no token; visible ASCII text without blanks is accepted\n"


def test_a_log_stands_beside_the_data(broker_url: str, name: str) -> None:
    create(broker_url, name)
    ran = queen("groups", "--queue", name, "--json", url=broker_url, QUEEN_CLIENT_LOG="true")
    assert (ran.code, ran.out) == (0, "[]\n")
    assert "DEBUG Queen.constructor" in ran.err


def test_names_that_an_encoding_lacks_are_escaped(broker_url: str, cli: Cli, name: str) -> None:
    cli.fine("push", name, '"caf\\u00e9 \\ud83d\\ude00"', "--partition", "\xe9\x1b[31m")
    ran = queen("tail", name, url=broker_url, PYTHONIOENCODING="ascii")
    assert ran.err == ""
    assert ran.out.endswith('"caf\\u00e9 \\ud83d\\ude00"\n')
    assert r"\xe9\x1b[31m" in ran.out
    assert cli.fine("tail", name).endswith('"caf\xe9 \U0001f600"\n')
    assert "\x1b" not in cli.fine("tail", name)


def test_the_help_imports_neither_the_commands_nor_a_broker() -> None:
    program = (
        "import sys; from queen.cli import main; code = main(['--help'])\n"
        "loaded = {'queen.cli.push', 'queen.cli.bench', 'queen.broker', 'httpx', 'aiohttp'} & set(sys.modules)\n"
        "sys.exit(str(loaded) if loaded or code else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_port_that_is_taken_is_no_server_that_did_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "queen", "serve", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistyped_file_is_not_an_empty_broker(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli("queues", "--url", "sqlite:///typo.db")
    assert (ran.code, ran.out) == (2, "")
    assert "--url: there is no file typo.db" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--group", "--queue"])
def test_an_empty_name_does_not_mean_all(
    cli: Cli, broker_url: str, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setenv("QUEEN_URL", broker_url)
    ran = cli("lag", option, "")
    assert (ran.code, ran.out, ran.err) == (2, "", f"queen: {option}: it is empty\n")


def test_groups_of_a_queue_that_is_not_there(cli: Cli, each_broker: str, name: str) -> None:
    ran = cli("groups", "--queue", name)
    assert (ran.code, ran.out, ran.err) == (1, "", f"queen: {name}: Queue not found\n")


def test_what_failed_is_told_and_not_the_cleaning_up(cli: Cli) -> None:
    ran = cli("bench", "--url", "http://127.0.0.1:1")
    assert ran.code == 3
    assert "configure: " in ran.err
