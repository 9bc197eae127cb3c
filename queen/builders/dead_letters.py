"""A query of dead letters: ``queen.queue("orders").dlq().limit(10).get()``."""

from __future__ import annotations

from datetime import datetime
from typing import Union

import attrs

from queen import validation
from queen.operations.dead_letters import DeadLetterQuery, list_dead_letters
from queen.transport.transport import Transport
from queen.types import DLQResponse


class DLQBuilder:
    """Collects which dead letters to get."""

    def __init__(self, transport: Transport, query: DeadLetterQuery) -> None:
        self._transport = transport
        self._query = query

    def limit(self, count: int) -> DLQBuilder:
        """At most so many; 100 where nothing is said."""
        return self._asking(attrs.evolve(self._query, limit=validation.integer("limit", count, minimum=1)))

    def offset(self, count: int) -> DLQBuilder:
        """Pass over so many first, counted from the latest failure."""
        return self._asking(attrs.evolve(self._query, offset=validation.integer("offset", count, minimum=0)))

    def from_(self, moment: Union[str, datetime]) -> DLQBuilder:
        """Only what failed at or after this time."""
        return self._asking(attrs.evolve(self._query, since=validation.instant("from_", moment)))

    def to(self, moment: Union[str, datetime]) -> DLQBuilder:
        """Only what failed at or before this time."""
        return self._asking(attrs.evolve(self._query, until=validation.instant("to", moment)))

    async def get(self) -> DLQResponse:
        """Get them, the latest failure first.

        Returns:
            ``messages`` (each with ``data``, ``errorMessage``, ``dlqTimestamp``, ``transactionId``, ``partitionId``,
            ``consumerGroup``, ``retryCount``), ``total`` (how many there are in all), ``limit`` and ``offset``.

        Raises:
            QueenError: the query failed.
        """
        return await list_dead_letters(self._transport, self._query)

    def _asking(self, query: DeadLetterQuery) -> DLQBuilder:
        return DLQBuilder(self._transport, query)
