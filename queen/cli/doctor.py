"""``queen doctor``: this installation, and each server."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Dict, List, Optional

from typing_extensions import Final, TypedDict

from queen.cli import notes
from queen.cli.connection import LOCAL, Server, connect
from queen.cli.exits import Exit
from queen.cli.output import AsJson, Column, Row, show_rows, write_line
from queen.cli.plain import as_json
from queen.types import ServerHealth

_TIMEOUT_MILLIS: Final = 5000
# The packages of each extra.
_EXTRAS: Final = {
    "broker": ("starlette", "uvicorn"),
    "cli": ("cyclopts", "rich"),
    "otel": ("opentelemetry-api",),
    "speed": ("aiohttp", "orjson"),
    "typed": ("msgspec",),
}


def _yes_or_no(value: object) -> str:
    return "yes" if value else "no"


def _millis(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, (int, float)) else "-"


_PACKAGES = (Column("PACKAGE", "package"), Column("EXTRA", "extra"), Column("VERSION", "version"))
_SERVERS = (
    Column("SERVER", "url"),
    Column("REACHABLE", "reachable", shown=_yes_or_no),
    Column("VERSION", "version"),
    Column("DIALECT", "dialect"),
    Column("DATABASE", "database"),
    Column("LATENCY MS", "latency_millis", is_number=True, shown=_millis),
    Column("CLOCK SKEW MS", "clock_skew_millis", is_number=True),
)


class Package(TypedDict):
    """A package that the client is or uses.

    Its version is None where it is not installed.
    """

    package: str
    extra: Optional[str]
    version: Optional[str]


async def doctor(*, json: AsJson = False, server: Server = LOCAL) -> int:
    """Check this installation and each server: what is installed, who answers, how fast, and whose clock is wrong.

    Exits with 1 where a server cannot be reached, or says that it is not well. Extras that are not installed are no
    failure.

    Args:
        json: one JSON document.
    """
    packages = _packages()
    async with connect(server) as client:
        servers = await client.health(timeout_millis=_TIMEOUT_MILLIS, clock=True)
    if json:
        write_line(
            as_json({"python": platform.python_version(), "packages": packages, "servers": servers}, indent=True)
        )
    else:
        _show(packages, servers)
    for entry in servers:
        if entry["error"]:
            notes.error(f"{entry['url']}: {entry['error']}")
    return Exit.FINE if all(entry["reachable"] and entry["healthy"] for entry in servers) else Exit.FAILED


def _show(packages: List[Package], servers: List[ServerHealth]) -> None:
    rows: List[Row] = [{"package": "Python", "extra": None, "version": platform.python_version()}]
    rows.extend({**package, "version": package["version"] or "not installed"} for package in packages)
    show_rows(rows, _PACKAGES, json=False)
    write_line("")
    show_rows([_row(entry) for entry in servers], _SERVERS, json=False)


def _row(entry: ServerHealth) -> Dict[str, object]:
    return {**entry}


def _packages() -> List[Package]:
    found: List[Package] = [{"package": "queen-mq", "extra": None, "version": _version("queen-mq")}]
    for extra, names in _EXTRAS.items():
        found.extend({"package": name, "extra": extra, "version": _version(name)} for name in names)
    return found


def _version(package: str) -> Optional[str]:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
