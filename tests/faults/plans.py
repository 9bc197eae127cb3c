"""Which request gets which fault."""

from __future__ import annotations

import random
from typing import Callable, Dict, Mapping, Optional

from typing_extensions import Final, Protocol

from tests.faults import fault_kinds as faults
from tests.faults.fault_kinds import Fault
from tests.faults.http_messages import Request


class Plan(Protocol):
    """Says for each request what happens to it."""

    def fault_for(self, request: Request) -> Optional[Fault]:
        """The fault of this request, or None."""
        ...


class Clear:
    """No faults."""

    def fault_for(self, request: Request) -> Optional[Fault]:
        return None


class Scripted:
    """The nth request to a route gets this fault.

    Args:
        script: by number; the first request is 1. The number 0 is for all that have none of their own.
        route: a part of the path; other requests pass and are not counted.
    """

    def __init__(self, script: Mapping[int, Fault], route: str = "") -> None:
        self._script = script
        self._route = route
        self._seen = 0

    def fault_for(self, request: Request) -> Optional[Fault]:
        if self._route not in request.route:
            return None
        self._seen += 1
        return self._script.get(self._seen, self._script.get(0))


_Maker = Callable[[random.Random], Fault]


def _sometimes(draw: random.Random) -> bool:
    return draw.random() < 0.5


MAKERS: Final[Dict[str, _Maker]] = {
    "refuse": lambda draw: faults.Refuse(draw.uniform(0.02, 0.3)),
    "reset before": lambda draw: faults.ResetBefore(delivered=_sometimes(draw)),
    "reset during": lambda _: faults.ResetDuring(),
    "reset after": lambda _: faults.ResetAfter(),
    "stall": lambda draw: faults.Stall(draw.uniform(0.2, 2.5)),
    "trickle": lambda _: faults.Trickle(600),
    "cut body": lambda _: faults.CutBody(),
    "garbage": lambda draw: faults.Garbage(bytes(draw.randrange(256) for _ in range(40)) + b"\r\n\r\n"),
    # A server that says 429 has done nothing.
    "429": lambda draw: faults.Instead(429, retry_after="0" if _sometimes(draw) else None),
    "502": lambda draw: faults.Instead(502, delivered=_sometimes(draw)),
    "503": lambda draw: faults.Instead(503, retry_after=draw.choice([None, "0", "1"]), delivered=_sometimes(draw)),
    "504": lambda draw: faults.Instead(504, delivered=_sometimes(draw)),
    "html": lambda draw: faults.html(delivered=_sometimes(draw)),
    "500": lambda draw: faults.broken(delivered=_sometimes(draw)),
    "204": lambda draw: faults.no_content_with_body(delivered=_sometimes(draw)),
    "close idle": lambda draw: faults.CloseIdle(draw.choice([0.0, 0.005, 0.05])),
    "delay": lambda draw: faults.Delay(min(draw.expovariate(1 / 0.15), 2.0)),
}


class Weather:
    """Random faults.

    Args:
        seed: the same seed draws the same faults.
        rates: how likely each kind is for a request, by the names of ``MAKERS``; together at most 1.
    """

    def __init__(self, seed: int, rates: Mapping[str, float]) -> None:
        assert sum(rates.values()) <= 1
        self._draw = random.Random(seed)
        self._rates = dict(rates)

    def fault_for(self, request: Request) -> Optional[Fault]:
        at = self._draw.random()
        for name, rate in self._rates.items():
            if at < rate:
                return MAKERS[name](self._draw)
            at -= rate
        return None
