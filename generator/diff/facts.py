"""What the spec says of an operation beyond its messages: its name, its address, and its extensions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.diff.change import ABSENT, Change
from generator.diff.effects import BOTH, CALLERS, SERVERS
from generator.spec import RETRIES, OperationFacts


def shape(path: str) -> str:
    """A path without the names of its parameters, which no request carries."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def fact_changes(old: OperationFacts, new: OperationFacts) -> Iterator[Change]:
    """What changed between two operations that are the same one."""
    if old.id != new.id:
        yield Change("", "operationId", old.id, new.id, CALLERS)
    if old.tag != new.tag:
        # The module of its function is another one.
        yield Change("", "tag", old.tag, new.tag, CALLERS)
    if old.method != new.method:
        yield Change("", "method", old.method, new.method, BOTH)
    if shape(old.path) != shape(new.path):
        yield Change("", "path", old.path, new.path, BOTH)
    yield from _versions(old, new)
    if old.retry != new.retry:
        worse = RETRIES.index(new.retry) > RETRIES.index(old.retry)
        yield Change("", "x-queen-retry", old.retry, new.retry, CALLERS if worse else SERVERS)
    if old.long_poll != new.long_poll:
        # Who did not expect to wait gives up too early.
        yield Change("", "x-queen-long-poll", old.long_poll, new.long_poll, CALLERS if new.long_poll else SERVERS)
    if old.refusal != new.refusal:
        yield Change("", "x-queen-refusal", old.refusal, new.refusal, CALLERS)
    if old.empty != new.empty:
        yield Change("", "x-queen-empty", old.empty or ABSENT, new.empty or ABSENT, CALLERS)


def _versions(old: OperationFacts, new: OperationFacts) -> Iterator[Change]:
    """A version that lost the operation broke its callers; one that should have it now may not."""
    if old.since != new.since:
        later = _number(new.since) > _number(old.since)
        yield Change("", "x-queen-since", old.since, new.since, CALLERS if later else SERVERS)
    if old.until != new.until:
        earlier = old.until is None or (new.until is not None and _number(new.until) < _number(old.until))
        yield Change("", "x-queen-until", old.until or ABSENT, new.until or ABSENT, CALLERS if earlier else SERVERS)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
