"""Single messages: listed, looked at, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Union

from queen_api.api import messages
from queen_api.api.status import list_queue_messages
from typing_extensions import Final

from queen import validation
from queen.admin.arguments import Moment, moment, number, text
from queen.admin.section import Section

if TYPE_CHECKING:
    from queen_api.models import (
        DeleteMessageAnswer,
        MessageDetail,
        MessageList,
        NoValue,
        QueueMessage,
        QueueMessagePage,
    )

_STATUSES: Final = ("pending", "processing", "completed", "dead_letter")


class Messages(Section):
    """Shows messages; that takes no lease and moves no cursor."""

    async def list_messages(
        self,
        *,
        queue: Optional[str] = None,
        partition: Optional[str] = None,
        namespace: Optional[str] = None,
        task: Optional[str] = None,
        status: Optional[str] = None,
        from_: Moment = None,
        to: Moment = None,
        limit: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> MessageList:
        """List messages of a time, the newest first, without payloads.

        Server 0.7 ends the time at the last full second; 0.15 takes in the whole minute of ``to``.

        Args:
            queue: only of this queue.
            partition: only of partitions of this name.
            namespace: only of queues of this namespace.
            task: only of queues of this task.
            status: only with this status: ``pending``, ``processing``, ``completed`` or ``dead_letter``.
            from_: pushed at or after this time; an hour ago where nothing is said.
            to: pushed at or before this time; now where nothing is said.
            limit: how many at most; 200 where nothing is said.
            offset: how many to pass over first.

        Returns:
            ``messages`` and ``mode`` (which groups consume).

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: there is no answer.
        """
        request = messages.list_messages(
            queue=text("queue", queue),
            partition=text("partition", partition),
            ns=text("namespace", namespace),
            task=text("task", task),
            status=None if status is None else validation.choice("status", status, _STATUSES),
            from_=moment("from_", from_),
            to=moment("to", to),
            limit=number("limit", limit, 1),
            offset=number("offset", offset, 0),
        )
        return await self._send(request)

    async def list_queue_messages(
        self, name: str, *, limit: Optional[int] = None, offset: Optional[int] = None
    ) -> Union[List[QueueMessage], QueueMessagePage, NoValue]:
        """List the messages of a queue, the newest first, with their status in queue mode.

        Server 0.15 lists all of them whatever the limit, and answers nothing for an offset; 0.7 lists those of the last
        hour, and answers an object with ``messages``.

        Args:
            name: the queue; one that there is not has no messages.
            limit: how many at most; 50 where nothing is said.
            offset: how many to pass over first.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: there is no answer.
        """
        request = list_queue_messages(
            queue=validation.path_name("name", name),
            limit=number("limit", limit, 1),
            offset=number("offset", offset, 0),
        )
        return await self._send(request)

    async def get_message(self, partition_id: str, transaction_id: str) -> MessageDetail:
        """Show a message with its payload, and where each group stands.

        Args:
            partition_id: the id of its partition.
            transaction_id: its transaction id.

        Raises:
            ValueError: an id that no path can hold.
            ServerRefusedError: there is no such message.
            QueenError: there is no answer.
        """
        request = messages.get_message(
            partition_id=validation.path_name("partition_id", partition_id),
            transaction_id=validation.path_name("transaction_id", transaction_id),
        )
        return await self._send(request)

    async def delete_message(self, partition_id: str, transaction_id: str) -> DeleteMessageAnswer:
        """Delete a message with its dead letters and traces, for all groups; its transaction id is free again.

        Args:
            partition_id: the id of its partition.
            transaction_id: its transaction id.

        Returns:
            ``success`` and ``message``; server 0.7 says True of a message that there is not, too. For an id that is not
            the server's own (a ``partition_id`` that is no UUID) ``error``, its words, without ``success`` on 0.7.

        Raises:
            ValueError: an id that no path can hold.
            QueenError: there is no answer.
        """
        request = messages.delete_message(
            partition_id=validation.path_name("partition_id", partition_id),
            transaction_id=validation.path_name("transaction_id", transaction_id),
        )
        return await self._send(request)
