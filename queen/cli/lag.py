"""``queen lag``: how far consumer groups are behind, for people and for monitoring."""

from __future__ import annotations

import asyncio
from typing import Dict, List, Optional, Set, Tuple

from cyclopts import Parameter
from queen_api.models import GroupDetail
from typing_extensions import Annotated, TypedDict

from queen import Queen, validation
from queen.cli import notes
from queen.cli.completion import group_names, queue_names
from queen.cli.connection import LOCAL, Server, connect
from queen.cli.exits import CommandError, Exit, bad_input
from queen.cli.moments import lasting
from queen.cli.output import AsJson, Column, show_rows

_COLUMNS = (
    Column("GROUP", "group"),
    Column("QUEUE", "queue"),
    Column("PARTITIONS", "partitions", is_number=True),
    Column("MESSAGES", "messages", is_number=True),
    Column("BEHIND", "seconds", is_number=True, shown=lasting),
)


class Lag(TypedDict):
    """How far a group is behind on a queue."""

    group: str
    queue: str
    partitions: int
    """On how many partitions it has unread messages."""
    messages: int
    seconds: int
    """The age of the oldest unread message."""


async def lag(
    *,
    group: Annotated[Optional[str], Parameter(completer=group_names)] = None,
    queue: Annotated[Optional[str], Parameter(completer=queue_names)] = None,
    fail_above: Optional[int] = None,
    fail_older: Optional[int] = None,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """Tell how far consumer groups are behind: unread messages, and the age of the oldest.

    A partition that a group has never read is not counted: servers know of none.

    Args:
        group: only this group; one that there is not is an error.
        queue: only on this queue.
        fail_above: exit with 1 where a group has more unread messages on a queue.
        fail_older: exit with 1 where an unread message is older, in seconds.
        json: one JSON document.
    """
    for option, bound in (("--fail-above", fail_above), ("--fail-older", fail_older)):
        if bound is not None and bound < 0:
            raise bad_input(option, f"{bound} is below 0")
    for option, given in (("--group", group), ("--queue", queue)):
        if given == "":
            raise bad_input(option, "it is empty")
    async with connect(server) as client:
        rows = await _rows(client, group, queue)
    if not rows and (group or queue):
        wanted = [f"{kind} {name!r}" for kind, name in (("group", group), ("queue", queue)) if name]
        raise CommandError(f"no consumer group has read anything of {' on '.join(wanted)}")
    rows.sort(key=lambda row: (-row["messages"], row["group"], row["queue"]))
    show_rows(rows, _COLUMNS, json=json)
    if not rows:
        notes.note("no consumer groups")
    return _checked(rows, fail_above, fail_older)


async def _rows(client: Queen, group: Optional[str], queue: Optional[str]) -> List[Lag]:
    names = [group] if group else await _names(client)
    details = await asyncio.gather(*[client.admin.get_consumer_group(name) for name in names])
    return [
        _of_queue(name, read, detail)
        for name, detail in zip(names, details)
        for read in detail
        if queue in (None, read)
    ]


async def _names(client: Queen) -> List[str]:
    """The names of all groups that can be asked for."""
    names = sorted({entry["name"] for entry in await client.admin.list_consumer_groups()})
    for name in names:
        if not validation.is_path_name(name):
            notes.note(f"left out: the group {name!r}, which no path can name")
    return [name for name in names if validation.is_path_name(name)]


def _of_queue(group: str, queue: str, detail: GroupDetail) -> Lag:
    # A group with two subscriptions has its partitions twice.
    partitions: Dict[str, Tuple[int, int]] = {
        partition["partition"]: (partition["offsetLag"], partition["timeLagSeconds"])
        for partition in detail[queue]["partitions"]
    }
    return {
        "group": group,
        "queue": queue,
        "partitions": sum(messages > 0 for messages, _ in partitions.values()),
        "messages": sum(messages for messages, _ in partitions.values()),
        "seconds": max((seconds for _, seconds in partitions.values()), default=0),
    }


def _checked(rows: List[Lag], above: Optional[int], older: Optional[int]) -> int:
    failed: Set[str] = set()
    for row in rows:
        where = f"{row['group']} on {row['queue']}"
        if above is not None and row["messages"] > above:
            failed.add(f"{where}: {notes.counted(row['messages'], 'unread message')}, more than {above:,}")
        if older is not None and row["seconds"] > older:
            failed.add(f"{where}: {lasting(row['seconds'])} behind, more than {lasting(older)}")
    for words in sorted(failed):
        notes.error(words)
    return Exit.FAILED if failed else Exit.FINE
