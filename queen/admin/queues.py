"""Queues, namespaces and tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from queen_api.api import queues, status, system

from queen import validation
from queen.admin.arguments import number, text
from queen.admin.section import Section

if TYPE_CHECKING:
    from queen_api.models import (
        DeleteQueueAnswer,
        NamespaceList,
        Overview,
        QueueDetail,
        QueueList,
        QueueStatus,
        QueueStatusList,
        TaskList,
    )


class Queues(Section):
    """Lists queues and what is in them. Server 0.15 counts every two minutes, or by ``refresh_consumer_stats()``."""

    async def get_overview(self) -> Overview:
        """Count everything on the server.

        Returns:
            ``queues``, ``partitions``, ``namespaces``, ``tasks`` and ``messages`` (by status), with ``throughput`` and
            ``lag``.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(system.get_overview())

    async def list_queues(self) -> QueueList:
        """List all queues, the latest created first.

        Returns:
            ``queues``, each with ``name``, ``namespace``, ``task``, ``partitions`` and ``messages``.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(queues.list_queues())

    async def get_queue(self, name: str) -> QueueDetail:
        """Show a queue with its partitions.

        Args:
            name: the queue.

        Raises:
            ValueError: a name that no path can hold.
            ServerRefusedError: there is no such queue.
            QueenError: there is no answer.
        """
        return await self._send(queues.get_queue(queue=validation.path_name("name", name)))

    async def get_queue_detail(self, name: str) -> QueueStatus:
        """Show a queue with its options, and with the counts and cursors of its partitions.

        Args:
            name: the queue.

        Raises:
            ValueError: a name that no path can hold.
            ServerRefusedError: there is no such queue.
            QueenError: there is no answer.
        """
        return await self._send(queues.get_queue_status(queue=validation.path_name("name", name)))

    async def get_queue_stats(
        self,
        *,
        namespace: Optional[str] = None,
        task: Optional[str] = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> QueueStatusList:
        """List queues in pages, with what is in them.

        Args:
            namespace: only those of this namespace.
            task: only those of this task.
            limit: how many at most; 100 where nothing is said.
            offset: how many to pass over first.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: there is no answer.
        """
        request = status.list_queue_statuses(
            namespace=text("namespace", namespace),
            task=text("task", task),
            limit=number("limit", limit, 1),
            offset=number("offset", offset, 0),
        )
        return await self._send(request)

    async def delete_queue(self, name: str) -> DeleteQueueAnswer:
        """Delete a queue with its messages, dead letters and cursors.

        Args:
            name: the queue.

        Returns:
            ``deleted`` is always True; ``existed`` tells.

        Raises:
            ValueError: a name that no path can hold.
            QueenError: it was not deleted.
        """
        return await self._send(queues.delete_queue(queue=validation.path_name("name", name)))

    async def get_namespaces(self) -> NamespaceList:
        """List the namespaces of queues, with what is in them.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(queues.list_namespaces())

    async def get_tasks(self) -> TaskList:
        """List the tasks of queues, with what is in them.

        Raises:
            QueenError: there is no answer.
        """
        return await self._send(queues.list_tasks())
