"""``queen queues`` and ``queen groups``."""

from __future__ import annotations

import contextlib
from typing import Dict, List, Optional

from cyclopts import Parameter
from typing_extensions import Annotated

from queen import UnsupportedByServerError
from queen.cli import notes
from queen.cli.completion import queue_names
from queen.cli.connection import LOCAL, Server, check_queue, connect
from queen.cli.exits import Exit
from queen.cli.moments import lasting, written
from queen.cli.output import AsJson, Column, show_rows

_QUEUES = (
    Column("QUEUE", "queue"),
    Column("NAMESPACE", "namespace"),
    Column("TASK", "task"),
    Column("PARTITIONS", "partitions", is_number=True),
    Column("MESSAGES", "total", is_number=True),
    Column("PENDING", "pending", is_number=True),
    Column("PROCESSING", "processing", is_number=True),
)
_GROUPS = (
    Column("GROUP", "group"),
    Column("QUEUE", "queue"),
    Column("PARTITIONS", "partitions", is_number=True),
    Column("BEHIND", "lagSeconds", is_number=True, shown=lasting),
    Column("STATE", "state"),
    Column("SUBSCRIBED", "subscription"),
)


async def queues(
    *, refresh: Annotated[bool, Parameter(negative=())] = False, json: AsJson = False, server: Server = LOCAL
) -> int:
    """List queues with what is in them, by name.

    Server 0.15 counts every two minutes, and says 0 before the first time.

    Args:
        refresh: let it count now.
        json: one JSON document.
    """
    async with connect(server) as client:
        if refresh:
            # Server 0.7 counts with each listing.
            with contextlib.suppress(UnsupportedByServerError):
                await client.admin.refresh_consumer_stats()
        listed = (await client.admin.list_queues())["queues"]
    rows: List[Dict[str, object]] = [
        {
            "queue": queue["name"],
            "namespace": queue["namespace"] or None,
            "task": queue["task"] or None,
            "partitions": queue["partitions"],
            "total": queue["messages"]["total"],
            "pending": queue["messages"]["pending"],
            "processing": queue["messages"]["processing"],
            "createdAt": written(queue["createdAt"]),
        }
        for queue in sorted(listed, key=lambda queue: queue["name"])
    ]
    show_rows(rows, _QUEUES, json=json)
    if not rows:
        notes.note("no queues")
    return Exit.FINE


async def groups(
    *,
    queue: Annotated[Optional[str], Parameter(completer=queue_names)] = None,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """List consumer groups, one row for each group and queue. Queue mode is the group `__QUEUE_MODE__`.

    `queen lag` counts the messages that they have not read.

    Args:
        queue: only those of this queue.
        json: one JSON document.
    """
    async with connect(server) as client:
        if queue is not None:
            await check_queue(client, queue)
        listed = await client.admin.list_consumer_groups()
    rows: List[Dict[str, object]] = [
        {
            "group": group["name"],
            "queue": group["queueName"],
            "partitions": group["members"],
            "lagSeconds": group["maxTimeLag"],
            "state": group["state"],
            "subscription": group["subscriptionMode"],
        }
        for group in listed
        if queue in (None, group["queueName"])
    ]
    show_rows(rows, _GROUPS, json=json)
    if not rows:
        notes.note("no consumer groups")
    return Exit.FINE
