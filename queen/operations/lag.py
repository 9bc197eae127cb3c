"""How far a consumer group is behind."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Dict, Iterable, List, Optional, Tuple

from queen_api.api import groups, queues
from typing_extensions import Final

from queen import validation
from queen.errors import ServerRefusedError
from queen.operations.matching import matches
from queen.operations.pop import PopOptions
from queen.transport.reading import a_text, an_integer, an_object, objects, read_by
from queen.transport.ring import QUEUE_MODE
from queen.transport.transport import Transport
from queen.types import ConsumerLag

if TYPE_CHECKING:
    from queen_api.models import GroupDetail, QueueDetail

_NOT_FOUND: Final = "Queue not found"

_Place = Tuple[str, str]
_Behind = Dict[_Place, Tuple[int, int]]
"""By queue and partition: how many messages are unread, and how many seconds old the oldest is."""


async def consumer_lag(transport: Transport, options: PopOptions) -> ConsumerLag:
    """How far the group of some pops is behind.

    Args:
        transport: asks the server.
        options: what is popped.

    Raises:
        ValueError: the group has a name by which no server can be asked.
        QueenError: there is no answer.
    """
    group = QUEUE_MODE if options.group is None else options.group
    try:
        request = groups.get_group(group=validation.path_name("group", group))
    except ValueError:
        raise ValueError(
            f"how far the group {group!r} is behind, no server can be asked: no path can hold its name"
        ) from None
    wanted = [options.queue] if options.queue is not None else await _matching_queues(transport, options)
    read = functools.partial(_behind, options, wanted)
    behind = await transport.send(read_by(request, read), affinity=options.affinity)
    stored = await asyncio.gather(*(_stored(transport, queue, options.partition) for queue in wanted))
    return {
        "messages": sum(unread for unread, _ in behind.values()),
        "seconds": max((age for unread, age in behind.values() if unread), default=0),
        "partitions": sum(unread > 0 for unread, _ in behind.values()),
        "partitions_not_begun": sum(place not in behind for places in stored for place in places),
    }


async def _matching_queues(transport: Transport, options: PopOptions) -> List[str]:
    def read(answer: object) -> List[str]:
        listed = objects(an_object(answer).get("queues") or [])
        return [a_text(found["name"]) for found in listed if matches(found, (options.namespace, options.task))]

    return await transport.send(read_by(queues.list_queues(), read))


async def _stored(transport: Transport, queue: str, partition: Optional[str]) -> List[_Place]:
    """The partitions of a queue that have messages, as the server counts them."""

    def read(answer: QueueDetail) -> List[_Place]:
        filled = [found for found in objects(answer["partitions"]) if an_object(found["stats"])["total"]]
        names = [a_text(found["name"]) for found in filled]
        return [(queue, name) for name in names if partition in (None, name)]

    try:
        return await transport.send(read_by(queues.get_queue(queue=queue), read))
    except ServerRefusedError as refusal:
        if _NOT_FOUND not in refusal.words:
            raise
        return []


def _behind(options: PopOptions, wanted: Iterable[str], answer: GroupDetail) -> _Behind:
    behind: _Behind = {}
    for queue in wanted:
        found = an_object(answer.get(queue) or {})
        for entry in objects(found.get("partitions") or []):
            name = a_text(entry["partition"])
            if options.partition in (None, name):
                # Twice where the group has two subscriptions.
                behind[queue, name] = an_integer(entry["offsetLag"]), an_integer(entry["timeLagSeconds"])
    return behind
