"""What tests leave behind on a server that is not theirs: none of their queues and streams."""

from __future__ import annotations

import contextlib
from typing import Set

import attrs

from queen import Queen, UnsupportedByServerError
from queen.validation import is_path_name


@attrs.frozen
class Contents:
    """What a server has.

    Attributes:
        queues: the names of its queues.
        streams: the names of its windowed streams.
    """

    queues: Set[str]
    streams: Set[str]


async def contents_of(url: str) -> Contents:
    """What a server has now."""
    streams: Set[str] = set()
    async with Queen(url) as client:
        queues = {queue["name"] for queue in (await client.admin.list_queues())["queues"]}
        with contextlib.suppress(UnsupportedByServerError):
            streams = {stream["name"] for stream in (await client.admin.list_streams())["streams"]}
    return Contents(queues, streams)


async def delete_all_but(url: str, kept: Contents) -> Set[str]:
    """Delete what a server has; the queues that are left of it have names that no path can hold.

    Args:
        url: the server.
        kept: what stays.
    """
    now = await contents_of(url)
    added = now.queues - kept.queues
    async with Queen(url) as client:
        for name in filter(is_path_name, now.streams - kept.streams):
            await client.admin.delete_stream(name)
        for name in filter(is_path_name, added):
            await client.queue(name).delete()
    return {name for name in added if not is_path_name(name)}
