"""Consumer groups: listed, moved, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, List, Optional

from queen_api.api import groups

from queen import validation
from queen.admin.arguments import Moment, moment
from queen.admin.section import Section
from queen.transport.transport import Transport

if TYPE_CHECKING:
    from queen_api.models import (
        DeleteGroupAnswer,
        GroupDetail,
        GroupSummary,
        LaggingPartition,
        SeekAnswer,
        SeekPartitionAnswer,
    )


class Groups(Section):
    """Shows and moves consumer groups. Queue mode is the group ``__QUEUE_MODE__``.

    Args:
        transport: sends requests.
        forget: told of each group that was deleted, and on which queue; None for all.
    """

    def __init__(self, transport: Transport, forget: Callable[[str, Optional[str]], None]) -> None:
        super().__init__(transport)
        self._forget = forget

    async def list_consumer_groups(self) -> List[GroupSummary]:
        """List consumer groups, one entry for each group and queue.

        Returns:
            entries with ``name``, ``queueName``, ``members`` (partitions on which it has state), ``maxTimeLag``
            (seconds) and ``state``.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(groups.list_groups())

    async def get_consumer_group(self, name: str) -> GroupDetail:
        """Show where a group stands, partition by partition.

        Args:
            name: the group.

        Returns:
            a dict from queue names to ``partitions``; empty for a group that there is not.

        Raises:
            ValueError: a name that no path can hold.
            QueenError: there is no answer.
        """
        return await self._send(groups.get_group(group=validation.path_name("name", name)))

    async def get_lagging_consumers(self, min_lag_seconds: int = 60) -> List[LaggingPartition]:
        """List the partitions on which groups are behind, the largest lag first.

        Args:
            min_lag_seconds: only those whose oldest unread message is older, in seconds.

        Raises:
            TypeError, ValueError: no such number.
            QueenError: there is no answer.
        """
        seconds = validation.integer("min_lag_seconds", min_lag_seconds, minimum=0, maximum=validation.MAX_INTEGER)
        return await self._send(groups.list_lagging_partitions(min_lag_seconds=seconds))

    async def seek_consumer_group(
        self, consumer_group: str, queue_name: str, *, timestamp: Moment = None, to_end: bool = False
    ) -> SeekAnswer:
        """Move a group on all partitions of a queue that it has read (server 0.15). Its leases there end with that.

        Args:
            consumer_group: the group.
            queue_name: the queue.
            timestamp: behind the last message of this time or before.
            to_end: behind the last message.

        Returns:
            ``partitionsUpdated``, how many partitions that were, and ``targetTimestamp``.

        Raises:
            TypeError, ValueError: an argument that is not accepted, or not one of ``timestamp`` and ``to_end``.
            UnsupportedByServerError: the server moves no groups (0.7).
            QueenError: the group was not moved.
        """
        end = validation.boolean("to_end", to_end)
        if (timestamp is not None) == end:
            raise ValueError(
                f"timestamp={validation.shown(timestamp)}, to_end={end}: say where to, and only one of them"
            )
        request = groups.seek_group(
            group=validation.path_name("consumer_group", consumer_group),
            queue=validation.path_name("queue_name", queue_name),
            to_end=end or None,
            timestamp=moment("timestamp", timestamp),
        )
        return await self._send(request)

    async def seek_consumer_group_partition(
        self, consumer_group: str, queue_name: str, partition_name: str
    ) -> SeekPartitionAnswer:
        """Move a group behind the last message of one partition (server 0.15). Its lease there ends with that.

        Args:
            consumer_group: the group.
            queue_name: the queue.
            partition_name: the partition.

        Returns:
            ``updated``, False where the group has not read the partition, and ``cursorMovedTo``.

        Raises:
            ValueError: a name that no path can hold.
            UnsupportedByServerError: the server moves no groups (0.7).
            QueenError: the group was not moved.
        """
        request = groups.seek_partition(
            group=validation.path_name("consumer_group", consumer_group),
            queue=validation.path_name("queue_name", queue_name),
            partition=validation.path_name("partition_name", partition_name),
        )
        return await self._send(request)

    async def delete_consumer_group(self, consumer_group: str, delete_metadata: bool = True) -> DeleteGroupAnswer:
        """Delete a consumer group: its cursors and leases on all queues.

        Args:
            consumer_group: the group.
            delete_metadata: also forget where it subscribed; otherwise it starts there again.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: it was not deleted.
        """
        name = validation.path_name("consumer_group", consumer_group)
        metadata = validation.boolean("delete_metadata", delete_metadata)
        answer = await self._send(groups.delete_group(group=name, delete_metadata=metadata))
        self._forget(name, None)
        return answer

    async def delete_consumer_group_for_queue(
        self, consumer_group: str, queue_name: str, delete_metadata: bool = True
    ) -> DeleteGroupAnswer:
        """Delete a consumer group from one queue (server 0.15).

        Args:
            consumer_group: the group.
            queue_name: the queue.
            delete_metadata: also forget where it subscribed; otherwise it starts there again.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            UnsupportedByServerError: the server deletes groups only as a whole (0.7).
            QueenError: it was not deleted.
        """
        name = validation.path_name("consumer_group", consumer_group)
        queue = validation.path_name("queue_name", queue_name)
        metadata = validation.boolean("delete_metadata", delete_metadata)
        answer = await self._send(groups.delete_group_for_queue(group=name, queue=queue, delete_metadata=metadata))
        self._forget(name, queue)
        return answer
