"""Queues and consumer groups as a whole: create, delete, move."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, cast

from queen_api.api import groups, queues
from queen_api.models import ConfigureAnswer, DeleteGroupAnswer, DeleteQueueAnswer, QueueOptions, SubscriptionAnswer

from queen.config import QUEUE_DEFAULTS, QueueOption
from queen.operations.names import check_name
from queen.transport.transport import Transport


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


async def delete_consumer_group(transport: Transport, group: str, *, delete_metadata: bool) -> DeleteGroupAnswer:
    """Delete a consumer group: its cursors and leases on all queues.

    Args:
        transport: sends it.
        group: the group.
        delete_metadata: also forget where the group subscribed; otherwise it starts there again.

    Raises:
        QueenError: the group was not deleted.
    """
    return await transport.send(groups.delete_group(group=group, delete_metadata=delete_metadata))


async def update_subscription(transport: Transport, group: str, timestamp: str) -> SubscriptionAnswer:
    """Move the time from which a group reads, on partitions where it has no cursor yet.

    Raises:
        QueenError: the time was not changed.
    """
    return await transport.send(groups.update_subscription(group=group, subscription_timestamp=timestamp))
