"""``queen seek``: move a consumer group."""

from __future__ import annotations

from typing import Dict, Optional

from cyclopts import Parameter
from typing_extensions import Annotated

from queen.cli import notes
from queen.cli.completion import group_names, queue_names
from queen.cli.connection import LOCAL, Server, connect
from queen.cli.exits import CommandError, Exit, bad_input
from queen.cli.moments import BEGINNING, moment
from queen.cli.output import AsJson, show_facts


async def seek(
    group: Annotated[str, Parameter(completer=group_names)],
    queue: Annotated[str, Parameter(completer=queue_names)],
    /,
    *,
    to_time: Optional[str] = None,
    to_end: Annotated[bool, Parameter(negative=())] = False,
    to_beginning: Annotated[bool, Parameter(negative=())] = False,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """Move a consumer group on all partitions of a queue that it has read (server 0.15).

    Its leases there end with that: what is being processed comes again. A group that subscribed at a time starts
    there when it is moved to the beginning.

    Args:
        group: the group; queue mode is `__QUEUE_MODE__`.
        queue: the queue.
        to_time: behind the last message of this time or before: `2026-01-31T10:00:00Z`, or `2h` for two hours ago.
        to_end: behind the last message.
        to_beginning: before the first message.
        json: tell the result as JSON.
    """
    if [to_time is not None, to_end, to_beginning].count(True) != 1:
        raise bad_input("--to-time, --to-end, --to-beginning", "say where to, and only one of them")
    target = None if to_end else BEGINNING if to_time is None else moment("--to-time", to_time)
    async with connect(server) as client:
        answer = await client.admin.seek_consumer_group(group, queue, timestamp=target, to_end=to_end)
    moved = answer["partitionsUpdated"]
    if not moved:
        raise CommandError(f"nothing was moved: the group {group!r} has read nothing of the queue {queue!r}")
    facts: Dict[str, object] = {"group": group, "queue": queue, "partitions": moved, "time": answer["targetTimestamp"]}
    place = "the end" if to_end else "the beginning" if to_beginning else str(answer["targetTimestamp"])
    show_facts(facts, json=json, words=f"{group} moved to {place} on {notes.counted(moved, 'partition')} of {queue}")
    return Exit.FINE
