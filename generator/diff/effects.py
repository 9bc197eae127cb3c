"""What a change does to the values that one side may send, and whom that breaks."""

from __future__ import annotations

import enum
from collections.abc import Set
from typing import Literal

Side = Literal["callers", "servers"]

NOBODY: tuple[Side, ...] = ()
CALLERS: tuple[Side, ...] = ("callers",)
SERVERS: tuple[Side, ...] = ("servers",)
BOTH: tuple[Side, ...] = ("callers", "servers")


class Direction(enum.Enum):
    """Who sends the values."""

    REQUEST = "request"
    RESPONSE = "response"


class Effect(enum.Enum):
    """How the values that are allowed now lie to those that were."""

    SAME = "same"
    NARROWER = "narrower"
    WIDER = "wider"
    DIFFERENT = "different"


_BREAKS = {
    (Effect.NARROWER, Direction.REQUEST): CALLERS,
    (Effect.WIDER, Direction.REQUEST): SERVERS,
    (Effect.NARROWER, Direction.RESPONSE): SERVERS,
    (Effect.WIDER, Direction.RESPONSE): CALLERS,
}


def broken(effect: Effect, direction: Direction) -> tuple[Side, ...]:
    """Whom a change breaks: who still sends what is refused now, or still gets what it does not know."""
    if effect is Effect.SAME:
        return NOBODY
    return _BREAKS.get((effect, direction), BOTH)


def effect_on_set(old: Set[object] | None, new: Set[object] | None) -> Effect:
    """How two sets of values lie; None is the set of all values."""
    if old == new:
        return Effect.SAME
    if old is None or (new is not None and new < old):
        return Effect.NARROWER
    if new is None or old < new:
        return Effect.WIDER
    return Effect.DIFFERENT


def effect_on_restriction(old: object, new: object) -> Effect:
    """How values lie under a restriction whose two values cannot be compared; None is no restriction."""
    if old == new:
        return Effect.SAME
    if old is None:
        return Effect.NARROWER
    return Effect.WIDER if new is None else Effect.DIFFERENT


def effect_on_flag(old: bool, new: bool) -> Effect:
    """How values lie when a restriction is switched on or off."""
    if old == new:
        return Effect.SAME
    return Effect.NARROWER if new else Effect.WIDER


def effect_on_bound(old: float | None, new: float | None, *, lower: bool) -> Effect:
    """How numbers, or lengths, lie under a lower or an upper bound."""
    if old is None or new is None or old == new:
        return effect_on_restriction(old, new)
    return Effect.NARROWER if (new > old) is lower else Effect.WIDER
