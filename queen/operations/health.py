"""How the servers are: each is asked for itself."""

from __future__ import annotations

import time
from typing import Dict, List, Mapping, Optional, cast

from queen_api.api import system
from typing_extensions import Final

from queen.timestamps import moment_of
from queen.transport.dialect import Dialect, dialect_of
from queen.transport.probing import Probe
from queen.transport.transport import Transport
from queen.types import ServerHealth

_WELL: Final = "connected"


async def health_of_servers(transport: Transport, *, seconds: float, clock: bool) -> List[ServerHealth]:
    """How each server is, in the order in which they were given.

    Args:
        transport: asks them.
        seconds: how long each question may take.
        clock: whether to ask for their time too, a second question.
    """
    found = [_health(probe) for probe in await transport.probe(system.health(), seconds=seconds)]
    if clock:
        asked = time.time()
        skews = {probe.url: probe for probe in await transport.probe(system.get_overview(), seconds=seconds)}
        for server in found:
            server["clock_skew_millis"] = _skew(skews[server["url"]], asked, server["dialect"])
    return found


def _health(probe: Probe) -> ServerHealth:
    fields = _object(probe.value)
    server = _text(fields.get("server"))
    reachable = server is not None
    shared = _object(fields.get("shared_state"))
    database = _text(fields.get("database"))
    healthy = reachable and probe.error is None and database == _WELL
    return {
        "url": probe.url,
        "reachable": reachable,
        "healthy": healthy,
        "server": server,
        "version": _text(fields.get("version")),
        "dialect": dialect_of(fields).value if reachable else None,
        "database": database,
        "maintenance": _flag(shared.get("maintenance_mode")),
        "pop_maintenance": _flag(shared.get("pop_maintenance_mode")),
        "latency_millis": None if probe.seconds is None else round(probe.seconds * 1000, 3),
        "clock_skew_millis": None,
        "in_rotation": probe.in_rotation,
        "error": _error(probe, database) if not healthy else None,
    }


def _error(probe: Probe, database: Optional[str]) -> str:
    if database is not None and database != _WELL:
        return f"its database is {database}"
    return probe.error or "it does not answer as a Queen server does"


def _skew(probe: Probe, asked: float, dialect: Optional[str]) -> Optional[int]:
    """How far a server's clock is ahead, if it told its time half way between question and answer."""
    written = _text(_object(probe.value).get("timestamp"))
    if written is None or probe.seconds is None or probe.error is not None:
        return None
    try:
        told = moment_of(written).timestamp()
    except (OverflowError, ValueError):
        return None
    if dialect == Dialect.V07.value:
        # It cuts the second off.
        told += 0.5
    return round((told - (asked + probe.seconds / 2)) * 1000)


def _object(value: object) -> Mapping[str, object]:
    return cast("Dict[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> Optional[str]:
    return value if isinstance(value, str) else None


def _flag(value: object) -> Optional[bool]:
    return value if isinstance(value, bool) else None
