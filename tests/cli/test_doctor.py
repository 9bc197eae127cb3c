"""``queen doctor``."""

from __future__ import annotations

import asyncio
import json
import platform
from importlib.metadata import version
from pathlib import Path

from tests.cli.conftest import Cli, queen
from tests.scripted_server import ScriptedServer, answers

GONE = "http://127.0.0.1:1"


def test_a_server_that_is_well(each_broker: str, cli: Cli) -> None:
    ran = cli("doctor", "--json")
    assert (ran.code, ran.err) == (0, "")
    report = json.loads(ran.out)
    assert report["python"] == platform.python_version()
    versions = {entry["package"]: (entry["extra"], entry["version"]) for entry in report["packages"]}
    assert versions["queen-mq"] == (None, version("queen-mq"))
    assert versions["cyclopts"] == ("cli", version("cyclopts"))
    [server] = report["servers"]
    assert (server["url"], server["reachable"], server["healthy"]) == (each_broker, True, True)
    assert server["dialect"] in ("0.15", "0.7")
    assert 0 < server["latency_millis"] < 5000
    # The broker has the clock of this machine.
    assert abs(server["clock_skew_millis"]) < 2000


def test_people_see_tables(cli: Cli, broker_url: str) -> None:
    text = cli.fine("doctor")
    packages, servers = text.split("\n\n")
    assert packages.splitlines()[1].split() == ["Python", "-", platform.python_version()]
    head, line = servers.splitlines()
    assert head.split("  ")[0] == "SERVER"
    assert line.split()[:2] == [broker_url, "yes"]


def test_one_of_two_that_is_gone_is_told(cli: Cli, broker_url: str) -> None:
    ran = cli("doctor", "--json", "--url", f"{GONE},{broker_url}")
    assert ran.code == 1
    assert ran.err.startswith(f"queen: {GONE}: ")
    gone, there = json.loads(ran.out)["servers"]
    assert (gone["url"], gone["reachable"], gone["latency_millis"]) == (GONE, False, None)
    assert (there["url"], there["reachable"]) == (broker_url, True)
    assert cli("doctor", "--url", GONE).out.splitlines()[-1].split()[:3] == [GONE, "no", "-"]


async def test_one_whose_database_is_gone_is_no_good_server() -> None:
    health = {
        "status": "unhealthy",
        "database": "disconnected",
        "server": "C++ Queen Server (libqueen)",
        "version": "1",
    }
    async with ScriptedServer(lambda _: answers(health, 503)) as server:
        ran = await asyncio.to_thread(queen, "doctor", "--json", url=server.url)
    assert ran.code == 1
    assert "Traceback" not in ran.err


def test_a_file_is_a_server_too(cli: Cli, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/queue.db"
    cli.fine("push", "orders", "1", "--url", url)
    assert "yes" in cli.fine("doctor", "--url", url)
