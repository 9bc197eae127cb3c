"""The wheel: what is in it, and that it works alone in an empty environment."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import List

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import asyncio, sys
from queen import Queen
from queen.sync import Queen as SyncQueen
import queen_api

async def main(url):
    async with Queen(url) as queen:
        [result] = await queen.queue("wheel").push([{"data": {"from": "the wheel"}}])
        [message] = await queen.queue("wheel").pop()
        await message.ack()
        print(result["status"], message.data["from"])
    try:
        Queen("memory://x")
    except ImportError as error:
        print(error)

with SyncQueen(sys.argv[1]) as client:
    client.queue("wheel").create()

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="the wheel is built where hatchling is installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


def names_in(wheel: Path) -> List[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_it_holds_its_packages_and_nothing_else(wheel: Path) -> None:
    names = names_in(wheel)
    found = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert found == {"queen", "queen_api", "queen_sync"}
    for needed in (
        "queen/py.typed",
        "queen_api/py.typed",
        "queen_sync/py.typed",
        "queen_sync/client.py",
        "queen_api/openapi.json",
        "queen_api/api/messages/push.py",
        "queen/broker/__main__.py",
        "queen/testing/__init__.py",
        "queen/pytest_plugin/asyncio_clients.py",
    ):
        assert needed in names
    assert not [name for name in names if "/test_" in name or "generator" in name or name.endswith((".jinja", ".yaml"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with zipfile.ZipFile(wheel) as archive:
        [entry_points] = [name for name in names if name.endswith("entry_points.txt")]
        assert b"[pytest11]\nqueen = queen.pytest_plugin\n" in archive.read(entry_points)
        assert b"[console_scripts]\nqueen = queen.cli:main\n" in archive.read(entry_points)


def test_it_needs_only_what_a_client_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    needed = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", metadata, re.MULTILINE)
    assert sorted(needed) == ["attrs", "httpx", "python-dateutil", "typing-extensions"]
    assert "Requires-Python: >=3.8" in metadata


def test_installed_alone_it_sends_and_names_the_extra_that_is_missing(
    wheel: Path, broker_url: str, tmp_path: Path
) -> None:
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    done = subprocess.run(
        [str(python), "-W", "error", "-c", PROGRAM, broker_url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sent, missing = done.stdout.splitlines()
    assert sent == "queued the wheel"
    assert 'pip install "queen-mq[broker]"' in missing
    queen = tmp_path / "empty" / "bin" / "queen"
    done = subprocess.run([str(queen), "queues"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install "queen-mq[cli]"' in done.stderr
