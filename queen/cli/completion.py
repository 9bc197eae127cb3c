"""Completion in shells: the script, and the names that it asks for."""

from __future__ import annotations

import asyncio
import re
from typing import Awaitable, Callable, List

from typing_extensions import Final, Literal

from queen import Queen
from queen.cli.connection import LOCAL, connect
from queen.cli.exits import Exit
from queen.cli.output import write_line

# A person has pressed a key, and waits.
_PATIENCE_SECONDS: Final = 1.0
_PLAIN: Final = re.compile(r"[\w.:@%+-]+", re.ASCII)


def completion(shell: Literal["bash", "zsh"], /) -> int:
    """Print the completion script of a shell: `eval "$(queen completion bash)"`.

    Names of queues and groups are asked of the server in `QUEEN_URL`; where none answers, none are completed.

    Args:
        shell: which shell.
    """
    from queen.cli.program import program

    write_line(program().generate_completion(shell=shell))
    return Exit.FINE


def queue_names(_context: object) -> List[str]:
    """The names of queues."""
    return _names(_queues)


def group_names(_context: object) -> List[str]:
    """The names of consumer groups."""
    return _names(_groups)


async def _queues(client: Queen) -> List[str]:
    return [queue["name"] for queue in (await client.admin.list_queues())["queues"]]


async def _groups(client: Queen) -> List[str]:
    return [group["name"] for group in await client.admin.list_consumer_groups()]


def _names(find: Callable[[Queen], Awaitable[List[str]]]) -> List[str]:
    async def found() -> List[str]:
        async with connect(LOCAL) as client:
            names = await asyncio.wait_for(find(client), _PATIENCE_SECONDS)
        # Whoever names a group must not write on somebody's command line what a shell would run.
        return sorted({name for name in names if _PLAIN.fullmatch(name)})

    # Whatever is wrong is said by the command itself; cyclopts takes errors of a completion for no names.
    return asyncio.run(found())
