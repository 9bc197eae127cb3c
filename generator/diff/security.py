"""Who may call an operation: the role that a token needs, and whether one is needed at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import attrs

from generator.diff.change import Change, presence
from generator.diff.effects import BOTH, Direction, Effect, broken, effect_on_flag
from generator.failure import GenerationError
from generator.spec import JsonObject

# From the least on: nobody in particular, whoever has a token, and the roles.
_LEVELS = ("public", "any token", "read-only", "read-write", "admin")
_ROLES = tuple(level for level in _LEVELS if level != "any token")

# A document, and an operation of it.
Place = tuple[JsonObject, JsonObject]


@attrs.frozen
class _Access:
    schemes: Sequence[str]
    level: int
    token_needed: bool


def security_changes(old: Place, new: Place) -> Iterator[Change]:
    """What changed in who may call an operation.

    Args:
        old: the old document and its operation.
        new: the new document and its operation.

    Raises:
        GenerationError: a requirement names a role that there is not.
    """
    before, after = _access(*old), _access(*new)
    if before.level != after.level:
        effect = Effect.NARROWER if after.level > before.level else Effect.WIDER
        yield Change("", "role", _LEVELS[before.level], _LEVELS[after.level], broken(effect, Direction.REQUEST))
    if before.token_needed != after.token_needed:
        effect = effect_on_flag(before.token_needed, after.token_needed)
        was, now = presence(before.token_needed), presence(after.token_needed)
        yield Change("", "token", was, now, broken(effect, Direction.REQUEST))
    if before.schemes and after.schemes and before.schemes != after.schemes:
        yield Change("", "security schemes", before.schemes, after.schemes, BOTH)


def _access(document: JsonObject, operation: JsonObject) -> _Access:
    default = document.get("security", [])
    requirements = cast("Sequence[Mapping[str, Sequence[str]]]", operation.get("security", default))
    named = [requirement for requirement in requirements if requirement]
    if not named:
        return _Access([], 0, token_needed=False)
    return _Access(
        sorted({scheme for requirement in named for scheme in requirement}),
        # Whoever satisfies one of them may call.
        min(max(_level(roles, operation) for roles in requirement.values()) for requirement in named),
        token_needed=len(named) == len(requirements),
    )


def _level(roles: Sequence[str], operation: JsonObject) -> int:
    for role in roles:
        if role not in _ROLES:
            raise GenerationError(
                [f"{operation['operationId']}: security names the role {role!r}; roles are {', '.join(_ROLES)}"]
            )
    return max((_LEVELS.index(role) for role in roles), default=_LEVELS.index("any token"))
