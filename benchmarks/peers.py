"""Who is measured, and the folders that hold what each of them imports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Dict, List, Tuple

import attrs
import tomllib
from typing_extensions import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / ".bench"

THIS: Final = "this"
THIS_SPEED: Final = "this-speed"
OLD: Final = "queen-mq-0.12.0"
NEWEST: Final = "queen-mq-newest"
HTTPX: Final = "httpx"
AIOHTTP: Final = "aiohttp"
RAW: Final = "raw"


@attrs.frozen(kw_only=True)
class Peer:
    """One client, with what it needs.

    Attributes:
        name: short, unique.
        title: for readers.
        client: which of ``benchmarks/clients`` drives it.
        requirements: what pip installs for it, into a folder of its own.
        shown: the distributions whose versions the report tells.
        paths: what its import path has behind that folder.
        works: the kinds of work that it has beside those over a connection.
    """

    name: str
    title: str
    client: str
    requirements: Tuple[str, ...] = ()
    shown: Tuple[str, ...] = ()
    paths: Tuple[Path, ...] = (ROOT,)
    works: Tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its requirements are installed."""
        return FOLDER / self.name

    @property
    def import_path(self) -> List[str]:
        """What it can import, and in which order it is looked for."""
        return [str(path) for path in (self.folder, *self.paths)]


def peers() -> List[Peer]:
    """All that are measured; this client first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed: Tuple[str, ...] = tuple(project["dependencies"])
    speed: Tuple[str, ...] = tuple(project["optional-dependencies"]["speed"])
    sources = (ROOT, ROOT / "generated")
    routes, idle = ("route-3", "route-30"), ("idle",)
    return [
        Peer(
            name=THIS,
            title="this client, default install",
            client="queen",
            requirements=needed,
            shown=("httpx",),
            paths=sources,
            works=routes + idle,
        ),
        Peer(
            name=THIS_SPEED,
            title="this client, extra `speed`",
            client="queen",
            requirements=needed + speed,
            shown=("aiohttp", "orjson"),
            paths=sources,
            works=idle,
        ),
        Peer(
            name=OLD,
            title="queen-mq 0.12.0",
            client="queen",
            requirements=("queen-mq==0.12.0",),
            shown=("queen-mq", "httpx"),
            works=routes + idle,
        ),
        Peer(
            name=NEWEST,
            title="queen-mq, newest",
            client="queen",
            requirements=("queen-mq",),
            shown=("queen-mq", "httpx"),
            works=routes + idle,
        ),
        Peer(
            name=HTTPX, title="bare httpx loop", client="httpx", requirements=("httpx",), shown=("httpx",), works=idle
        ),
        Peer(
            name=AIOHTTP,
            title="bare aiohttp loop",
            client="aiohttp",
            requirements=speed,
            shown=("aiohttp", "orjson"),
            works=idle,
        ),
        Peer(name=RAW, title="raw asyncio protocol, the limit", client="raw", works=idle),
    ]


def install(peer: Peer) -> Dict[str, str]:
    """Install what a peer needs, unless that was done before, and tell the versions that the report shows."""
    stamp = peer.folder / "requirements.txt"
    wanted = "\n".join(peer.requirements)
    # The newest release of today may not be the one that was the newest before.
    if peer.name == NEWEST or not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(peer.folder, ignore_errors=True)
        peer.folder.mkdir(parents=True)
        if peer.requirements:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*command, "--target", str(peer.folder), *peer.requirements], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return {name: _version(peer, name) for name in peer.shown}


def _version(peer: Peer, name: str) -> str:
    found = next(iter(distributions(name=name, path=[str(peer.folder)])), None)
    return "not installed" if found is None else found.version
