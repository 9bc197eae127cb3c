"""Each example runs, ends by itself, and prints what it promises: on the embedded broker, and on a server."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

PRINTED = {
    "exactly_once": """\
3 attempts, 2 receipts: [{'order': 1, 'paid': 24.5}, {'order': 2, 'paid': 6.0}]
3 attempts, 2 payments: [('order-1', 24.5), ('order-2', 6.0)]
""",
    "pipeline": """\
cellar: [12.5, 12.1]
roof: [21.5, 22.0]
given up on: [('broken', 'not enough values to unpack (expected 2, got 1)')]
""",
    "fan_out": """\
mail, two workers: 5 events between them, none twice: True
audit: 5 events
monitor, new ones only: ['alice logged in', 'bob logged in']
""",
    "replay": """\
all sales, at the old rate: [1.9, 3.8, 5.7, 7.6]
the group was moved back, sales since then at the new rate: [6.0, 8.0]
another group that starts there: [6.0, 8.0]
""",
    "dead_letters": """\
billed: ['cup 6.00', 'teapot 24.50']
given up on {'item': 'kettle'} after 2 retries: no price for kettle
a redrive would push 1 of 1
redriven: 1, removed from the dead letters: 1
billed, now that there is a price: ['kettle 39.90']
dead letters left: 0
""",
    "windows": """\
a window of 1 second with 3 clicks
  {'count': 3, 'avg': {'data.millis': 16.666666666666668}, 'max': {'data.millis': 30}}
  {'/home': 2, '/cart': 1}
""",
    "sync_script": """\
pushed: 3
stored: [('cup', 6.0), ('teapot', 24.5), ('kettle', 39.9)]
""",
    "telemetry": """\
billed teapot
'send orders' in 'checkout'
'checkout'
'receive orders', linked to 'send orders'
'charge the card' in 'process orders'
'process orders', linked to 'send orders'
'ack orders', linked to 'send orders'
{'handled': 1}
""",
    "durable_producer": """\
the next start sends what is left: 3 messages
the server has [1, 2, 3, 4]
""",
}


def run_here(name: str, *arguments: str) -> None:
    """Run a program in a thread: what ``asyncio.run`` leaves of the thread's event loop is nobody's then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *arguments])
        with ThreadPoolExecutor(1) as thread:
            thread.submit(runpy.run_path, str(EXAMPLES / f"{name}.py"), run_name="__main__").result(timeout=30)


def run_apart(name: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", PRINTED)
def test_on_the_embedded_broker(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_here(name)
    assert _shown(capsys) == PRINTED[name]


@pytest.mark.parametrize("name", PRINTED)
def test_against_a_server(name: str, broker_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_here(name, "--url", broker_url)
    assert _shown(capsys) == PRINTED[name]


def _shown(capsys: pytest.CaptureFixture[str]) -> str:
    # How the producer of durable_producer.py ended is told before.
    return re.sub("^the producer ended with SIGKILL\n", "", capsys.readouterr().out)


# It handles signals, which is for the main thread.
def test_the_workers_on_the_embedded_broker() -> None:
    check_workers(run_apart("workers"))


def test_the_workers_against_a_server(broker_url: str) -> None:
    check_workers(run_apart("workers", "--url", broker_url))


def check_workers(printed: str) -> None:
    assert re.fullmatch(
        "20 jobs, those of each customer in order; three workers\nSIGTERM\n"
        r"stopped with (8|9|1\d) jobs done, none in the middle"
        "\n"
        "the next start did the others: 20 jobs done, 0 twice\n",
        printed,
    ), printed


def test_every_example_says_what_it_shows_and_is_short() -> None:
    programs = {path.stem: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
    assert {*PRINTED, "workers"} <= set(programs)
    for name in (*PRINTED, "workers"):
        assert programs[name].startswith('"""')
        assert len(programs[name].splitlines()) < 80
