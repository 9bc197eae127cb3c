"""The commands of docs/command-line.md say what stands there."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

from queen import Queen
from tests.cli.conftest import environment
from tests.conftest import served_broker

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
# What differs from run to run: times, ids, versions, measurements, addresses, and how wide a column is.
MASKS = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"http://127\.0\.0\.1:\d+", "URL"),
    (r"\+\d+\.\d{3}s", "+AFTER"),
    (r"\b\d+s\b", "SECONDS"),
    (r" +", " "),
)
MEASURED = ("bench", "doctor")


def commands() -> List[Tuple[str, str]]:
    """Each command with its output, as they stand in the document."""
    blocks = re.findall(r"```console\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    found: List[Tuple[str, str]] = []
    for block in blocks:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.rstrip("\n")))
    return found


def masked(command: str, output: str) -> List[str]:
    for pattern, mask in MASKS:
        output = re.sub(pattern, mask, output)
    if command.split()[1] in MEASURED:
        output = re.sub(r"(?<=\s)(?:-?\d[\w.,]*|-)(?=\s|$)", "N", output)
    return [line.strip() for line in output.splitlines()]


async def prepare(url: str) -> None:
    """Dead letters and a workflow, which no command makes."""
    async with Queen(url) as queen:
        for number in (1, 2, 3):
            await queen.queue("payments").push([{"data": {"order": number}, "transactionId": f"payment-{number}"}])
            [message] = await queen.queue("payments").group("billing").pop()
            await message.nack("card refused", status="dlq")
        for place, kind, text in (
            ("orders-in", "step", "received"),
            ("charges", "step", "charged"),
            ("mails", "info", "sent"),
        ):
            await queen.queue(place).push([{"data": {"id": 7}, "transactionId": "order-7"}])
            [message] = await queen.queue(place).group("workers").pop()
            await message.trace({"data": {"text": text}, "eventType": kind, "traceName": "order-7"})
            await message.ack()


def transcript(url: str, folder: Path) -> List[Tuple[str, str]]:
    """The commands of the document with what they really say."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran: List[Tuple[str, str]] = []
    for command, _ in commands():
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment(url, PATH=path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        ran.append((command, done.stdout.rstrip("\n")))
    return ran


def test_each_command_says_what_stands_in_the_document(tmp_path: Path) -> None:
    with served_broker() as url:
        asyncio.run(prepare(url))
        ran = transcript(url, tmp_path)
    for (command, written), (_, said) in zip(commands(), ran):
        assert masked(command, said) == masked(command, written), command


@pytest.mark.parametrize(
    "word", ["serve", "push", "pop", "tail", "queues", "groups", "lag", "dlq", "seek", "trace", "bench", "doctor"]
)
def test_no_command_is_left_out(word: str) -> None:
    assert re.search(rf"^\$ .*queen {word}\b|^queen {word}\b", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
