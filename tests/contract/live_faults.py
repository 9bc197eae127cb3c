"""Known faults of the live servers that generated requests would run into: what is not sent to them, and why."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional

import attrs


@attrs.frozen
class Fault:
    """A fault of a server.

    Attributes:
        dialects: the servers that have it.
        operation: the operation that shows it.
        shown_by: whether a body brings it about.
        reason: what happens then.
    """

    dialects: List[str]
    operation: str
    shown_by: Callable[[Any], bool]
    reason: str


def _whatever(_body: Any) -> bool:
    return True


def _without_acks(body: Any) -> bool:
    return isinstance(body, dict) and not body.get("acknowledgments")


def _never_stored(body: Any) -> bool:
    return any(
        "traceId" in item or any(isinstance(value, str) and len(value) > 255 for value in item.values())
        for item in _items(body)
    ) or any(mark in repr(body) for mark in ("\\x00", "\\ud"))


def _same_id_twice(body: Any) -> bool:
    ids = [item["transactionId"] for item in _items(body) if isinstance(item.get("transactionId"), str)]
    return len(set(ids)) < len(ids)


def _push_to_no_queue(body: Any) -> bool:
    operations = body.get("operations") if isinstance(body, dict) else None
    pushes = [each for each in operations if isinstance(each, dict)] if isinstance(operations, list) else []
    items = [item for push in pushes for item in (_items(push) or [push]) if push.get("type") == "push"]
    return any(not isinstance(item.get("queue"), str) for item in items)


def _items(body: Any) -> List[Dict[str, Any]]:
    items = body.get("items") if isinstance(body, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


_ALL = ["embedded", "0.15", "0.7"]

FAULTS: List[Fault] = [
    Fault(_ALL, "commit", _push_to_no_queue, "a queue without a name is made, which no path can delete"),
    Fault(["0.15"], "ack_batch", _without_acks, "an empty list of acks is never answered"),
    Fault(["0.7"], "extend_lease", _whatever, "the server crashes when a body arrives in a later packet than its head"),
    Fault(["0.15", "0.7"], "push", _never_stored, "the server would try to store the message for ever"),
    Fault(["0.7"], "push", _same_id_twice, "all messages of a request that has an id twice are lost"),
]


def fault(dialect: str, operation: str, body: Any) -> Optional[str]:
    """Why a request is not sent to a live server; None when it may be."""
    for known in FAULTS:
        if dialect in known.dialects and operation == known.operation and known.shown_by(body):
            return known.reason
    return None
