"""Windowed streams as a whole: listed, deleted (server 0.7 and the embedded broker)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queen_api.api import streams

from queen import validation
from queen.admin.section import Section

if TYPE_CHECKING:
    from queen_api.models import DeleteStreamAnswer, StreamDetail, StreamList, StreamStats


class Streams(Section):
    """Shows windowed streams. Server 0.15 has none: ``UnsupportedByServerError``."""

    async def list_streams(self) -> StreamList:
        """List the streams, the newest first.

        Raises:
            UnsupportedByServerError: the server has no windowed streams (0.15).
            QueenError: there is no answer.
        """
        return await self._send(streams.list_streams())

    async def get_stream(self, name: str) -> StreamDetail:
        """Show a stream.

        Args:
            name: the stream.

        Raises:
            ValueError: a name that no path can hold.
            ServerRefusedError: there is no such stream.
            UnsupportedByServerError: the server has no windowed streams (0.15).
            QueenError: there is no answer.
        """
        return await self._send(streams.get_stream(stream=validation.path_name("name", name)))

    async def get_stream_stats(self) -> StreamStats:
        """Count streams, their groups, windows and leases.

        Raises:
            UnsupportedByServerError: the server has no windowed streams (0.15).
            QueenError: there is no answer.
        """
        return await self._send(streams.get_stream_stats())

    async def delete_stream(self, name: str) -> DeleteStreamAnswer:
        """Delete a stream with the offsets and leases of its groups; its source queues stay.

        Args:
            name: the stream.

        Raises:
            ValueError: a name that no path can hold.
            ServerRefusedError: there is no such stream.
            UnsupportedByServerError: the server has no windowed streams (0.15).
            QueenError: it was not deleted.
        """
        return await self._send(streams.delete_stream(stream=validation.path_name("name", name)))
