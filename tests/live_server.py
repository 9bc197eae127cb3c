"""What tests leave behind on a server that is not theirs: none of their queues."""

from __future__ import annotations

from typing import Set

from queen import Queen
from queen.validation import is_path_name


async def queues_of(url: str) -> Set[str]:
    """The names of the queues of a server."""
    async with Queen(url) as client:
        return {queue["name"] for queue in (await client.admin.list_queues())["queues"]}


async def delete_all_but(url: str, kept: Set[str]) -> Set[str]:
    """Delete the queues of a server; what is left of them has a name that no path can hold.

    Args:
        url: the server.
        kept: the queues that stay.
    """
    added = await queues_of(url) - kept
    async with Queen(url) as client:
        for name in filter(is_path_name, added):
            await client.queue(name).delete()
    return {name for name in added if not is_path_name(name)}
