"""Scenarios: loaded, and filled with what was captured."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

import attrs

EXCHANGES = Path(__file__).resolve().parent.parent / "exchanges"

_MAINTENANCE = "/api/v1/system/maintenance"
_WHOLE = re.compile(r"\$\{([\w-]+)\}")
_PATH_PART = re.compile(r"([^.\[\]]+)|\[(-?\d+)\]")

Captured = Dict[str, Any]


@attrs.frozen
class Scenario:
    """One recorded conversation."""

    name: str
    server: str
    needs: List[str]
    steps: List[Mapping[str, Any]]

    @property
    def generation(self) -> str:
        """``0.7`` or ``0.15``: which generation of servers it was recorded with."""
        return self.server.rpartition(".")[0]

    @property
    def is_exclusive(self) -> bool:
        """Whether it puts the server into maintenance, which every other conversation there would notice."""
        requests = (step.get("request", {}) for step in self.steps)
        return any(
            request.get("path", "").startswith(_MAINTENANCE) and request.get("json") == {"enabled": True}
            for request in requests
        )

    @property
    def skip_reason(self) -> Optional[str]:
        """Why the embedded broker cannot hold it; None when it can."""
        return f"needs a server set up for {', '.join(self.needs)}" if self.needs else None


def scenarios() -> List[Scenario]:
    """All recorded conversations, by name."""
    return [_load(path) for path in sorted(EXCHANGES.glob("*.json"))]


def filled(value: Any, captured: Captured) -> Any:
    """A value with ``@run`` and ``${name}`` replaced; a text that is just ``${name}`` keeps the captured type."""
    if isinstance(value, str):
        text = value.replace("@run", captured["@run"])
        whole = _WHOLE.fullmatch(text)
        if whole:
            return captured[whole.group(1)]
        return _WHOLE.sub(lambda found: str(captured[found.group(1)]), text)
    if isinstance(value, list):
        return [filled(item, captured) for item in value]
    if isinstance(value, dict):
        if "<repeat>" in value:
            return [filled(value["<repeat>"], {**captured, "i": number}) for number in range(value["<times>"])]
        return {filled(key, captured): filled(item, captured) for key, item in value.items()}
    return value


def at_path(value: Any, path: str) -> Any:
    """What is at a path such as ``messages[0].leaseId``."""
    for name, index in _PATH_PART.findall(path):
        value = value[int(index)] if index else value[name]
    return value


def _load(path: Path) -> Scenario:
    raw = json.loads(path.read_text(encoding="utf-8"))
    return Scenario(raw["name"], raw["server"], raw.get("needs", []), raw["steps"])
