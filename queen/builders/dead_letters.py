"""A query of dead letters: ``queen.queue("orders").dlq().limit(10).get()``, and pushing them again."""

from __future__ import annotations

from datetime import datetime
from typing import Optional, Union

import attrs

from queen import validation
from queen.operations.dead_letters import DeadLetterQuery, list_dead_letters
from queen.operations.purge import purge
from queen.operations.redrive import RedriveOptions, redrive
from queen.transport.transport import Transport
from queen.types import DLQResponse, PurgeResponse, RedriveResponse


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

    async def redrive(
        self,
        *,
        limit: Optional[int] = None,
        to_queue: Optional[str] = None,
        dry_run: bool = False,
        remove: bool = False,
    ) -> RedriveResponse:
        """Push the dead letters again, the oldest message first, each into the partition of the same name.

        All that match are redriven, or those that ``limit()`` and ``offset()`` leave. A message is pushed under the id
        ``redrive:<its id>:<group>``, by which the server refuses a second copy while the first is stored: after a
        crash, say the same again. Its old copy is deleted, with the dead letter, unless other consumer groups read its
        partition, or no path can hold its transaction id; then both stay, as does what comes of them and fails again.
        In a queue that several groups read, all of them get the new copy.

        What fails again is a new dead letter, of the new copy, and waits for the next run.

        Server 0.7 does not show all payloads as they were pushed: numbers, null and texts that hold such are reported
        as failed; a text that holds a JSON object, list or text is pushed as what it holds.

        Args:
            limit: how many are pushed at most; those that an earlier run pushed do not count.
            to_queue: another queue to push them to; server 0.7 does not make one.
            dry_run: change nothing, and tell what would be done by a server that stores pushes at once.
            remove: delete the old copy also where other groups have still to read it, or have it as a dead letter.

        Returns:
            ``found``, ``pushed``, ``already``, ``removed``, ``kept`` and ``failed``, all numbers of dead letters, and
            ``reasons`` with an entry for each that was kept or failed: ``transactionId``, ``partitionId``,
            ``consumerGroup``, ``outcome`` and ``reason``.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: the transport failed. What was done stays done; say the same again to go on.
        """
        options = RedriveOptions(
            limit=None if limit is None else validation.integer("limit", limit, minimum=1),
            to_queue=None if to_queue is None else validation.path_name("to_queue", to_queue),
            dry_run=validation.boolean("dry_run", dry_run),
            remove=validation.boolean("remove", remove),
        )
        return await redrive(self._transport, self._query, options)

    async def purge(self, *, dry_run: bool = False, remove: bool = False) -> PurgeResponse:
        """Delete the dead letters with their messages.

        All that match are deleted, or those that ``limit()`` and ``offset()`` leave. Servers delete a message for all
        consumer groups, so one whose partition other groups read stays, with its dead letter, as does one whose
        transaction id no path can hold.

        Args:
            dry_run: change nothing, and tell what would be done.
            remove: delete it also where other groups have still to read it, or have it as a dead letter.

        Returns:
            ``found``, ``removed`` and ``kept``, all numbers of dead letters, and ``reasons`` with an entry for each
            that was kept: ``transactionId``, ``partitionId``, ``consumerGroup``, ``outcome`` and ``reason``.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: the transport failed. What was deleted stays so.
        """
        return await purge(
            self._transport,
            self._query,
            remove=validation.boolean("remove", remove),
            dry_run=validation.boolean("dry_run", dry_run),
        )

    def _asking(self, query: DeadLetterQuery) -> DLQBuilder:
        return DLQBuilder(self._transport, query)
