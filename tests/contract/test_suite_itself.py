"""The suite of generated requests: it fails when a broker breaks the contract, and leaves nothing on a live server."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("schemathesis", reason="the contract is checked where the generator runs")

from queen import Queen
from tests.conftest import served_broker
from tests.live_server import Contents, contents_of


def run(operation: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The suite, for one operation of the embedded dialect."""
    command = [sys.executable, "-m", "pytest", "tests/contract/test_schemathesis.py", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "-k", f"embedded_dialect and {operation}", *arguments],
        env={**os.environ, "QUEEN_URL": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("how", ["delete", "add"])
@pytest.mark.parametrize(("operation", "spoiled"), [("configure", "configured"), ("resources/queues", "queues")])
def test_it_fails_on_a_response_field_too_few_or_too_many(operation: str, spoiled: str, how: str) -> None:
    done = run(operation, "-p", "tests.contract.spoiled", SPOILED=how)
    assert done.returncode == 1, done.stdout
    assert "Response violates schema" in done.stdout
    assert spoiled in done.stdout


async def test_it_keeps_the_queues_of_a_live_server_and_deletes_its_own() -> None:
    with served_broker() as url:
        async with Queen(url) as client:
            await client.queue("mine").create()
        done = run("(push or define)", "--server", url, QUEEN_URL=url)
        assert done.returncode == 0, done.stdout
        assert "embedded (live), each operation" in done.stdout
        assert await contents_of(url) == Contents(queues={"mine"}, streams=set())
