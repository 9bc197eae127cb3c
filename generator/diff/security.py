"""Who may call an operation: the role that a token needs, and whether one is needed at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import attrs

from generator.diff.change import Change, presence_change
from generator.diff.effects import BOTH, Direction, Effect, broken
from generator.diff.operation import Operation

# From the least on: nobody in particular, whoever has a token, and the roles.
_LEVELS = ("public", "any token", "read-only", "read-write", "admin")

# For each scheme the roles of which a token needs all.
_Requirement = Mapping[str, Sequence[str]]


@attrs.frozen
class _Access:
    schemes: Sequence[str]
    level: int
    token_needed: bool


def security_changes(old: Operation, new: Operation) -> Iterator[Change]:
    """What changed in who may call an operation."""
    before, after = _requirements(old), _requirements(new)
    if before == after:
        return
    was, now = _access(before), _access(after)
    if was is None or now is None:
        yield Change("", "security", before, after, BOTH)
        return
    if was.level != now.level:
        effect = Effect.NARROWER if now.level > was.level else Effect.WIDER
        yield Change("", "role", _LEVELS[was.level], _LEVELS[now.level], broken(effect, Direction.REQUEST))
    yield from presence_change("", "token", was.token_needed, now.token_needed, Direction.REQUEST)
    if was.schemes and now.schemes and was.schemes != now.schemes:
        yield Change("", "security schemes", was.schemes, now.schemes, BOTH)


def _requirements(operation: Operation) -> Sequence[_Requirement]:
    default = operation.document.get("security", [])
    return cast("Sequence[_Requirement]", operation.node.get("security", default))


def _access(requirements: Sequence[_Requirement]) -> _Access | None:
    """What is required; None when it names what is no role."""
    named = [requirement for requirement in requirements if requirement]
    if not named:
        return _Access([], 0, token_needed=False)
    roles = {role for requirement in named for listed in requirement.values() for role in listed}
    if not roles <= set(_LEVELS):
        return None
    return _Access(
        sorted({scheme for requirement in named for scheme in requirement}),
        # Whoever satisfies one of them may call.
        min(max(_level(listed) for listed in requirement.values()) for requirement in named),
        token_needed=len(named) == len(requirements),
    )


def _level(roles: Sequence[str]) -> int:
    return max((_LEVELS.index(role) for role in roles), default=_LEVELS.index("any token"))
