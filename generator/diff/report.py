"""The report: for people to read, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import attrs

from generator.diff.change import ABSENT, Change, OperationChanges

_LONGEST_VALUE = 60


@attrs.frozen
class Report:
    """What changed from one spec to another.

    Attributes:
        old: the name of the old spec.
        new: the name of the new spec.
        operations: the operations with their changes.
    """

    old: str
    new: str
    operations: Sequence[OperationChanges]

    def without_documentation(self) -> Report:
        """The report without the changes of words."""
        kept = [
            attrs.evolve(operation, changes=[change for change in operation.changes if not change.documentation])
            for operation in self.operations
        ]
        return attrs.evolve(self, operations=[operation for operation in kept if operation.changes])

    @property
    def breaks(self) -> bool:
        """Whether anybody is broken."""
        return any(change.breaks for operation in self.operations for change in operation.changes)

    def count(self, side: str | None = None) -> int:
        """How many changes there are, or how many of them break a side."""
        return sum(
            side is None or side in change.breaks for operation in self.operations for change in operation.changes
        )


def as_text(report: Report) -> str:
    """The report for people to read."""
    return "\n".join(_lines(report)) + "\n"


def as_json(report: Report) -> str:
    """The report as one JSON object.

    Its keys: ``old``, ``new`` (the files), ``breaks``, ``summary`` (``changes``, ``breaksCallers``, ``breaksServers``)
    and ``changes``, a list of objects with ``operation``, ``method``, ``path`` (all null for what belongs to no
    operation), ``where``, ``subject``, ``kind`` (``added``, ``removed``, ``changed``), ``old`` (unless added), ``new``
    (unless removed), ``breaks`` (a list of ``callers`` and ``servers``) and ``documentation``.
    """
    document = {
        "old": report.old,
        "new": report.new,
        "breaks": report.breaks,
        "summary": {
            "changes": report.count(),
            "breaksCallers": report.count("callers"),
            "breaksServers": report.count("servers"),
        },
        "changes": [_object(operation, change) for operation in report.operations for change in operation.changes],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"


def _lines(report: Report) -> Iterator[str]:
    for operation in report.operations:
        yield _heading(operation)
        for change in operation.changes:
            place = f"{change.where}: " if change.where else ""
            yield f"  {_verdict(change):<24}{place}{_worded(change)}"
        yield ""
    if not report.operations:
        yield "no changes"
        return
    yield (
        f"changes: {report.count()}, breaking callers: {report.count('callers')}, "
        f"breaking servers: {report.count('servers')}"
    )


def _heading(operation: OperationChanges) -> str:
    if operation.operation is None:
        return "no operation"
    address = f"{operation.method} {operation.path}"
    return address if operation.operation == address else f"{operation.operation} ({address})"


def _verdict(change: Change) -> str:
    if change.breaks:
        return f"breaks {', '.join(change.breaks)}"
    return "documentation" if change.documentation else "compatible"


def _worded(change: Change) -> str:
    if change.kind == "changed":
        return f"{change.subject} changed: {_short(change.old)} -> {_short(change.new)}"
    return f"{change.subject} {change.kind}: {_short(change.new if change.kind == 'added' else change.old)}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _object(operation: OperationChanges, change: Change) -> dict[str, object]:
    values = {key: value for key, value in (("old", change.old), ("new", change.new)) if value is not ABSENT}
    return {
        "operation": operation.operation,
        "method": operation.method,
        "path": operation.path,
        "where": change.where,
        "subject": change.subject,
        "kind": change.kind,
        **values,
        "breaks": list(change.breaks),
        "documentation": change.documentation,
    }
