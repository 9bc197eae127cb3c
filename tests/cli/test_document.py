"""The commands of docs/command-line.md and of README.md say what stands there."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

from queen import Queen
from tests.cli.conftest import Cli, environment
from tests.conftest import served_broker

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "command-line.md"
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


def commands(document: Path) -> List[Tuple[str, str]]:
    """Each command with its output, as they stand in the document."""
    blocks = re.findall(r"```console\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
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


def said_in_a_shell(command: str, url: str) -> str:
    """What a line with pipes says."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        env=environment(url, PATH=path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    ).stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("document", [DOCUMENT, ROOT / "README.md"], ids=lambda document: document.name)
def test_each_command_says_what_stands_in_the_document(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cli = Cli(capsys)
    with served_broker() as url:
        monkeypatch.setenv("QUEEN_URL", url)
        if document == DOCUMENT:
            asyncio.run(prepare(url))
        for command, written in commands(document):
            if re.search("[|<>]", command):
                said = said_in_a_shell(command, url)
            else:
                # In this process, which is quicker by half a second.
                ran = cli(*shlex.split(command)[1:])
                said = ran.out + ran.err
            assert masked(command, said) == masked(command, written), command


def test_no_command_is_left_out() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    words = "serve push pop tail queues groups lag dlq seek trace bench doctor completion"
    assert [word for word in words.split() if f"queen {word} " not in text and f"queen {word}\n" not in text] == []
