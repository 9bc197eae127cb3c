"""``queen tail``: the latest messages of a queue, and those that come.

It only lists: no lease is taken, no cursor moved, and no consumer group made. Consumers, and what the server says of
them, stay as they are.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Dict, List, Optional

from cyclopts import Parameter, validators
from queen_api.models import MessageSummary
from typing_extensions import Annotated, Final

from queen import Queen, ServerRefusedError
from queen.cli import notes
from queen.cli.completion import queue_names
from queen.cli.connection import LOCAL, Server, check_queue, connect
from queen.cli.exits import Exit
from queen.cli.moments import BEGINNING, moment, written
from queen.cli.output import AsJson, flush, show_message
from queen.cli.running import ended_by_closed_pipe
from queen.timestamps import moment_of

_LATEST: Final = 10
_PAGE: Final = 500
_AT_ONCE: Final = 20
_PAUSE_SECONDS: Final = 0.5
# A message may be seen later than one that was stored after it: so far back each listing looks again.
_OVERLAP: Final = timedelta(seconds=5)


async def tail(
    queue: Annotated[str, Parameter(completer=queue_names)],
    /,
    *,
    lines: Annotated[Optional[int], Parameter(name=("--lines", "-n"), validator=validators.Number(gte=0))] = None,
    from_: Annotated[Optional[str], Parameter(name="--from")] = None,
    partition: Optional[str] = None,
    follow: Annotated[bool, Parameter(name=("--follow", "-f"), negative=())] = False,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """Show the latest messages of a queue, the oldest first. Nothing is taken, and no consumer notices.

    Each payload is asked for by itself, so this is for looking, and not for copying a queue. Server 0.7 shows some
    payloads that are no objects otherwise than they were pushed.

    Args:
        queue: the queue.
        lines: how many; 10 where nothing is said, all of them with `--from`.
        from_: from this time on: `2026-01-31T10:00:00Z`, or `15m` for 15 minutes ago.
        partition: only of this partition.
        follow: go on with what comes, until Ctrl-C.
        json: one JSON line for each message.
    """
    since = None if from_ is None else moment("--from", from_)
    wanted = _LATEST if lines is None and since is None else lines
    async with connect(server) as client:
        # Names the argument before anything is asked for.
        client.queue(queue)
        feed = _Feed(client, queue, partition)
        with ended_by_closed_pipe():
            await feed.begin(since, wanted, json=json)
            while follow:
                await asyncio.sleep(_PAUSE_SECONDS)
                await feed.go_on(json=json)
    return Exit.FINE


class _Feed:
    """The messages of a queue, each once."""

    def __init__(self, client: Queen, queue: str, partition: Optional[str]) -> None:
        self._client = client
        self._queue = queue
        self._partition = partition
        self._seen: Dict[str, datetime] = {}
        self._latest: Optional[datetime] = None

    async def begin(self, since: Optional[datetime], wanted: Optional[int], *, json: bool) -> None:
        """Show what is there.

        Raises:
            CommandError: there is no such queue.
        """
        found = await self._listed(since, 1 if wanted == 0 else wanted)
        if not found:
            await check_queue(self._client, self._queue)
            notes.note("no messages")
        self._note(found)
        if self._latest is not None:
            # What is there already is not shown as new later.
            self._note(await self._listed(self._latest - _OVERLAP, None))
        if wanted != 0:
            await self._show(found, json=json)

    async def go_on(self, *, json: bool) -> None:
        """Show what has come since."""
        since = None if self._latest is None else self._latest - _OVERLAP
        found = [message for message in await self._listed(since, None) if message["id"] not in self._seen]
        self._note(found)
        await self._show(found, json=json)

    async def _listed(self, since: Optional[datetime], wanted: Optional[int]) -> List[MessageSummary]:
        """The latest messages since a time, the oldest first; all where no number is wanted."""
        found: Dict[str, MessageSummary] = {}
        offset = 0
        while wanted is None or len(found) < wanted:
            limit = _PAGE if wanted is None else min(_PAGE, wanted - len(found))
            page = await self._page(since, limit, offset)
            # A message with several dead letters is listed with each.
            found.update({message["id"]: message for message in page})
            offset += len(page)
            if len(page) < limit:
                break
        return list(found.values())[::-1]

    async def _page(self, since: Optional[datetime], limit: int, offset: int) -> List[MessageSummary]:
        answer = await self._client.admin.list_messages(
            queue=self._queue,
            partition=self._partition,
            from_=BEGINNING if since is None else since,
            # Server 0.7 leaves out the running second where nothing is said.
            to=datetime.now(timezone.utc) + timedelta(days=1),
            limit=limit,
            offset=offset,
        )
        return answer["messages"]

    def _note(self, messages: List[MessageSummary]) -> None:
        for message in messages:
            stored = moment_of(message["createdAt"])
            self._seen[message["id"]] = stored
            self._latest = stored if self._latest is None else max(self._latest, stored)
        if self._latest is not None:
            oldest = self._latest - 2 * _OVERLAP
            self._seen = {key: stored for key, stored in self._seen.items() if stored >= oldest}

    async def _show(self, messages: List[MessageSummary], *, json: bool) -> None:
        for start in range(0, len(messages), _AT_ONCE):
            asked = [self._whole(message) for message in messages[start : start + _AT_ONCE]]
            for message in await asyncio.gather(*asked):
                parts = (written(message["createdAt"]), str(message["partition"]), str(message["transactionId"]))
                show_message(message, parts, message.get("data", message.get("dataError")), json=json)
            flush()

    async def _whole(self, listed: MessageSummary) -> Dict[str, object]:
        """A message with its payload, and with the keys of one that was popped."""
        whole: Dict[str, object] = {
            "id": listed["id"],
            "transactionId": listed["transactionId"],
            "partitionId": listed["partitionId"],
            "queue": listed["queue"],
            "partition": listed["partition"],
            "traceId": listed["traceId"],
            "status": listed["status"],
            "createdAt": written(listed["createdAt"]),
        }
        try:
            detail = await self._client.admin.get_message(listed["partitionId"], listed["transactionId"])
        except ValueError:
            whole["dataError"] = "no path can hold its transaction id, so its payload cannot be asked for"
        except ServerRefusedError as error:
            whole["dataError"] = error.words
        else:
            whole["data"] = detail["payload"]
        return whole
