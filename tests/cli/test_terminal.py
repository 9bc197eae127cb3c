"""What a person sees: at a pseudo-terminal of a known width."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Callable, Optional, Tuple

import pytest

from queen import Queen
from tests.cli.conftest import Cli, environment

termios = pytest.importorskip("termios")
import fcntl  # noqa: E402  (there is none where there are no terminals)
import pty  # noqa: E402

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def at_terminal(
    *words: str,
    url: str,
    typed: bytes = b"",
    only: Tuple[str, ...] = ("stdin", "stdout", "stderr"),
    meanwhile: Optional[Callable[[subprocess.Popen[bytes], str], None]] = None,
    **more: str,
) -> Tuple[int, str]:
    """Run the program at a terminal of 100 columns; its exit code and what stood on the terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    streams = {stream: slave if stream in only else subprocess.DEVNULL for stream in ("stdin", "stdout", "stderr")}
    surroundings = environment(url, **{"TERM": "xterm-256color", **more})
    for variable in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        if variable not in more:
            surroundings.pop(variable, None)
    os.write(master, typed)
    process = subprocess.Popen([sys.executable, "-W", "error", "-m", "queen", *words], env=surroundings, **streams)  # type: ignore[call-overload]
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux says so when the last program has closed the terminal.
            break
        if not chunk:
            break
        seen += chunk
        if meanwhile is not None:
            meanwhile(process, seen.decode())
    os.close(master)
    return process.wait(timeout=10), seen.decode().replace("\r\n", "\n")


def test_a_table_is_as_wide_as_the_terminal_and_cuts_nothing_off(broker_url: str, cli: Cli, name: str) -> None:
    long = f"{name}-{'x' * 100}"
    cli.fine("push", long, "1")
    code, seen = at_terminal("groups", "--queue", long, url=broker_url)
    assert code == 0
    code, seen = at_terminal("queues", url=broker_url)
    assert code == 0
    plain = ESCAPE.sub("", seen)
    assert max(map(len, plain.splitlines())) <= 100
    assert plain.count("x") >= 100
    assert "…" not in plain
    assert re.search(r"PARTITIONS +MESSAGES +PENDING +PROCESSING", plain)


def test_colours_are_for_terminals_that_want_them(broker_url: str, cli: Cli, name: str) -> None:
    cli.fine("push", name, "1")
    _, coloured = at_terminal("tail", name, url=broker_url)
    assert "\x1b[2m" in coloured
    _, plain = at_terminal("tail", name, url=broker_url, NO_COLOR="1")
    assert "\x1b" not in plain
    assert ESCAPE.sub("", coloured) == plain
    _, without = at_terminal("queues", url=broker_url, NO_COLOR="1")
    assert "\x1b" not in without
    _, elsewhere = at_terminal("tail", name, url=broker_url, only=("stderr",))
    assert elsewhere == ""


def test_a_long_message_is_not_wrapped(broker_url: str, cli: Cli, name: str) -> None:
    cli.fine("push", name, json.dumps("y" * 500))
    _, seen = at_terminal("tail", name, url=broker_url)
    assert "y" * 500 in seen


def test_a_file_has_a_progress_bar_where_errors_are_seen(broker_url: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text("".join(f"{number}\n" for number in range(3000)))
    code, seen = at_terminal("push", name, "--file", str(file), url=broker_url, only=("stderr",))
    assert code == 0
    assert "pushing" in seen
    assert "3000/3000" in seen
    # The bar is gone at the end, and the cursor is back.
    assert seen.rstrip().endswith("\x1b[2K")
    assert seen.rfind("\x1b[?25h") > seen.rfind("\x1b[?25l")


def test_ctrl_c_gives_the_terminal_back(broker_url: str) -> None:
    sent = []

    def interrupt(process: subprocess.Popen[bytes], seen: str) -> None:
        if "measuring" in seen and not sent:
            sent.append(True)
            process.send_signal(signal.SIGINT)

    words = ("bench", "--messages", "10000000", "--batch", "10")
    code, seen = at_terminal(*words, url=broker_url, only=("stderr",), meanwhile=interrupt)
    assert code == 130
    assert seen.rfind("\x1b[?25h") > seen.rfind("\x1b[?25l")
    assert "Traceback" not in seen


def test_a_push_of_nothing_does_not_wait_for_a_person(broker_url: str, name: str) -> None:
    code, seen = at_terminal("push", name, url=broker_url)
    assert (code, seen) == (2, "queen: MESSAGE: there is none; give JSON values, --file, or lines through a pipe\n")


@pytest.mark.parametrize(("typed", "code", "left"), [(b"n\n", 1, 1), (b"\n", 1, 1), (b"y\n", 0, 0)])
def test_a_purge_asks_before_it_deletes(broker_url: str, name: str, typed: bytes, code: int, left: int) -> None:
    async def dead_letter() -> None:
        async with Queen(broker_url) as client:
            await client.queue(name).push([{"data": 1}])
            [message] = await client.queue(name).pop()
            await message.nack("broken", status="dlq")

    async def letters() -> int:
        async with Queen(broker_url) as client:
            return (await client.queue(name).dlq().get())["total"]

    asyncio.run(dead_letter())
    ended, seen = at_terminal("dlq", "purge", name, url=broker_url, typed=typed)
    assert f"Delete 1 dead letter of {name}, with the messages? [y/N] " in seen
    assert ended == code
    assert asyncio.run(letters()) == left
