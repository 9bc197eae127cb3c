"""What the spec says of an operation beyond its messages: its name, its address, and its extensions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.diff.change import ABSENT, Change
from generator.diff.effects import BOTH, CALLERS, SERVERS, Side
from generator.diff.operation import Operation
from generator.spec import RETRIES, JsonObject

_ENDLESS = (2**31,)
# What clients take an extension for that is not there.
_DEFAULT_RETRY, _DEFAULT_REFUSAL = "unsafe", "raise"


def fact_changes(old: Operation, new: Operation) -> Iterator[Change]:
    """What changed between two operations that are the same one."""
    if old.node.get("operationId") != new.node.get("operationId"):
        yield _change("operationId", old.node, new.node, CALLERS)
    if old.node.get("tags") != new.node.get("tags"):
        # The module of its function is another one.
        yield _change("tags", old.node, new.node, CALLERS)
    if old.method != new.method:
        yield Change("", "method", old.method, new.method, BOTH)
    if old.address[1] != new.address[1]:
        yield Change("", "path", old.path, new.path, BOTH)
    yield from _versions(old.node, new.node)
    yield from _conduct(old.node, new.node)


def _change(key: str, old: JsonObject, new: JsonObject, breaks: tuple[Side, ...]) -> Change:
    return Change("", key, old.get(key, ABSENT), new.get(key, ABSENT), breaks)


def _versions(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    """A version that lost the operation broke its callers; one that should have it now may not."""
    before, after = (_number(node.get("x-queen-since"), ()) for node in (old, new))
    if before != after:
        yield _change("x-queen-since", old, new, CALLERS if after > before else SERVERS)
    before, after = (_number(node.get("x-queen-until"), _ENDLESS) for node in (old, new))
    if before != after:
        yield _change("x-queen-until", old, new, CALLERS if after < before else SERVERS)


def _number(version: object, missing: tuple[int, ...]) -> tuple[int, ...]:
    return missing if version is None else tuple(int(part) for part in re.findall(r"\d+", str(version)))


def _conduct(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    was, now = (node.get("x-queen-retry", _DEFAULT_RETRY) for node in (old, new))
    if was != now:
        yield _change("x-queen-retry", old, new, _retry_breaks(was, now))
    held, holds = (node.get("x-queen-long-poll") is True for node in (old, new))
    if held != holds:
        # Who did not expect to wait gives up too early.
        yield _change("x-queen-long-poll", old, new, CALLERS if holds else SERVERS)
    was, now = (node.get("x-queen-refusal", _DEFAULT_REFUSAL) for node in (old, new))
    if was != now:
        yield _change("x-queen-refusal", old, new, CALLERS)
    if old.get("x-queen-empty") != new.get("x-queen-empty"):
        yield _change("x-queen-empty", old, new, CALLERS)


def _retry_breaks(old: object, new: object) -> tuple[Side, ...]:
    if old not in RETRIES or new not in RETRIES:
        return BOTH
    return CALLERS if RETRIES.index(str(new)) > RETRIES.index(str(old)) else SERVERS
