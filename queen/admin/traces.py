"""Traces that messages left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from queen_api.api import traces

from queen import validation
from queen.admin.arguments import number
from queen.admin.section import Section

if TYPE_CHECKING:
    from queen_api.models import NamedTraceList, TraceList, TraceNameList


class Traces(Section):
    """Lists traces."""

    async def get_traces_by_name(
        self, trace_name: str, *, limit: Optional[int] = None, offset: Optional[int] = None
    ) -> NamedTraceList:
        """List the traces under a name, of all messages, the oldest first.

        Args:
            trace_name: the name.
            limit: how many at most (server 0.7); 100 where nothing is said.
            offset: how many to pass over first (server 0.7; ``traces`` is None for one on 0.15).

        Returns:
            ``traces`` and ``total``.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: there is no answer.
        """
        request = traces.list_traces_by_name(
            trace_name=validation.path_name("trace_name", trace_name),
            limit=number("limit", limit, 1),
            offset=number("offset", offset, 0),
        )
        return await self._send(request)

    async def get_trace_names(self, *, limit: Optional[int] = None, offset: Optional[int] = None) -> TraceNameList:
        """List the names of traces, the latest used first.

        Args:
            limit: how many at most; 50 where nothing is said.
            offset: how many to pass over first.

        Returns:
            ``trace_names`` (each with ``trace_count``, ``message_count`` and ``last_seen``) and ``total``.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: there is no answer.
        """
        request = traces.list_trace_names(limit=number("limit", limit, 1), offset=number("offset", offset, 0))
        return await self._send(request)

    async def get_traces_for_message(self, partition_id: str, transaction_id: str) -> TraceList:
        """List the traces of a message, the oldest first; none for a message that there is not.

        Args:
            partition_id: the id of its partition.
            transaction_id: its transaction id.

        Raises:
            ValueError: an id that no path can hold.
            QueenError: there is no answer.
        """
        request = traces.list_message_traces(
            partition_id=validation.path_name("partition_id", partition_id),
            transaction_id=validation.path_name("transaction_id", transaction_id),
        )
        return await self._send(request)
