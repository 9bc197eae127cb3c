"""What the contract tests tried, as the table at the end of their run."""

from __future__ import annotations

from typing import Dict, List, Set

import attrs


@attrs.define
class Row:
    """One line of the table: what was sent to one target in one way.

    Attributes:
        operations: the ids of the operations that were called.
        requests: how many requests were sent.
        failed: the ids of the operations that did not answer as the spec says.
    """

    operations: Set[str] = attrs.field(factory=set)
    requests: int = 0
    failed: Set[str] = attrs.field(factory=set)


class Tally:
    """Counts requests and failures."""

    def __init__(self) -> None:
        self._rows: Dict[str, Row] = {}

    def sent(self, title: str, operation: str) -> None:
        """Count a request of an operation."""
        row = self._rows.setdefault(title, Row())
        row.operations.add(operation)
        row.requests += 1

    def failed(self, title: str, operation: str) -> None:
        """Count a failure of an operation, once however often it fails."""
        self._rows.setdefault(title, Row()).failed.add(operation)

    def lines(self) -> List[str]:
        """The table; nothing where nothing was sent."""
        if not self._rows:
            return []
        width = max(map(len, self._rows))
        head = f"{'':{width}}  operations  requests  failures"
        return [head] + [
            f"{title:{width}}  {len(row.operations):10}  {row.requests:8}  {len(row.failed):8}"
            for title, row in sorted(self._rows.items())
        ]


TALLY = Tally()
