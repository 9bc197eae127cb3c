"""Queues and consumer groups as a whole: create, delete, move."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Dict, List, Mapping, Optional, cast

from queen_api.api import groups, queues

from queen import validation
from queen.config import QUEUE_DEFAULTS, QueueOption
from queen.operations.names import check_name
from queen.timestamps import moment_of
from queen.transport.dialect import Dialect
from queen.transport.reading import an_integer, read_by
from queen.transport.transport import Transport
from queen.types import GroupResetResponse

if TYPE_CHECKING:
    from queen_api.models import ConfigureAnswer, DeleteQueueAnswer, GroupDetail, QueueOptions, SeekAnswer


async def create_queue(
    transport: Transport,
    queue: str,
    *,
    namespace: Optional[str],
    task: Optional[str],
    options: Mapping[str, QueueOption],
) -> ConfigureAnswer:
    """Create a queue, or replace the whole configuration of one that exists; its messages stay.

    Every option is sent: the servers answer an error for a queue without options (0.15), or put limits of their own in
    place of those that are left out (0.7: a ``maxSize`` of 10,000).

    Raises:
        QueenError: the queue was not configured.
        ValueError: a queue name that the server would mix up with another.
    """
    await check_name(transport, queue)
    sent: Dict[str, QueueOption] = {**QUEUE_DEFAULTS, **options}
    if sent["retentionSeconds"] or sent["completedRetentionSeconds"]:
        # Both servers keep everything until this is switched on.
        sent.setdefault("retentionEnabled", True)
    request = queues.configure(
        queue=queue, namespace=namespace or "", task=task or "", options=cast("QueueOptions", sent)
    )
    return await transport.send(request)


async def delete_queue(transport: Transport, queue: str) -> DeleteQueueAnswer:
    """Delete a queue with its messages, dead letters and cursors.

    Returns:
        ``deleted`` is always True; ``existed`` tells.

    Raises:
        QueenError: the queue was not deleted.
    """
    return await transport.send(queues.delete_queue(queue=queue))


async def reset_group(transport: Transport, group: str, timestamp: str) -> GroupResetResponse:
    """Let a group read from a time on.

    The servers' route moves the time at which a subscribed group starts where it has no cursor. Where it has one,
    server 0.15 can move it, queue by queue: its leases end with that. Server 0.7 cannot.

    Returns:
        ``success``, ``consumerGroup``, ``timestamp`` and ``cursorsMoved``.

    Raises:
        QueenError: the group was not moved, or not on all queues.
    """
    await transport.send(groups.update_subscription(group=group, subscription_timestamp=timestamp))
    moved = 0
    if await transport.dialect() is Dialect.V015:
        for queue in await transport.send(read_by(groups.get_group(group=group), _addressable)):
            # A seek goes behind the messages of its time; the group shall read those too.
            target = _just_before(timestamp)
            seek = read_by(groups.seek_group(group=group, queue=queue, timestamp=target), _partitions_updated)
            moved += await transport.send(seek)
    return {"success": True, "consumerGroup": group, "timestamp": timestamp, "cursorsMoved": moved}


def _addressable(answer: GroupDetail) -> List[str]:
    """The queues that a group reads; none is left out, since a group that is moved on some only would be torn apart."""
    for queue in answer:
        validation.path_name("a queue of the group", queue)
    return list(answer)


def _partitions_updated(answer: SeekAnswer) -> int:
    return an_integer(answer["partitionsUpdated"])


def _just_before(timestamp: str) -> str:
    moment = moment_of(timestamp)
    try:
        return (moment - timedelta(microseconds=1)).isoformat()
    except OverflowError:
        return moment.isoformat()
