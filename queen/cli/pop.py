"""``queen pop``: take messages."""

from __future__ import annotations

import asyncio
from typing import Dict, List, Optional

from cyclopts import Parameter, validators
from typing_extensions import Annotated, Final

from queen import Message, Queen
from queen.builders.queue import QueueBuilder
from queen.cli import notes
from queen.cli.completion import group_names, queue_names
from queen.cli.connection import LOCAL, Server, connect
from queen.cli.exits import CommandError, Exit
from queen.cli.moments import written
from queen.cli.output import AsJson, flush, show_message

# How long the answer of a poll is still waited for after Ctrl-C, so that what it brings can be given back.
_LAST_ANSWER_SECONDS: Final = 0.25


async def pop(
    queue: Annotated[str, Parameter(completer=queue_names)],
    /,
    *,
    group: Annotated[Optional[str], Parameter(completer=group_names)] = None,
    partition: Optional[str] = None,
    batch: int = 1,
    wait: Annotated[float, Parameter(validator=validators.Number(gte=0, lte=86400))] = 0,
    ack: bool = False,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """Take messages, show them, and give them back at once, or acknowledge them with `--ack`.

    Nothing is lost where nobody asks for it: without `--ack` the messages are given back, and come again to the next
    who pops; nothing is counted. With `--ack` they are acknowledged after they were written, and given back where they
    could not be. (Server 0.7 can only give back behind a completed message; otherwise they come again when their
    lease ends.) `queen tail` shows messages without taking them.

    Args:
        queue: the queue.
        group: the consumer group; without it queue mode.
        partition: only of this partition.
        batch: how many at most.
        wait: for how many seconds to wait where there are none.
        ack: acknowledge them.
        json: one JSON line for each message.
    """
    async with connect(server) as client:
        source = client.queue(queue).batch(batch)
        source = source if group is None else source.group(group)
        source = source if partition is None else source.partition(partition)
        if wait:
            source = source.wait().timeout_millis(round(wait * 1000))
        messages = await _popped(client, source)
        settled = False
        try:
            for message in messages:
                parts = (written(message["createdAt"]), message.partition, message.transaction_id)
                show_message(_fields(message), parts, message.data, json=json)
            flush()
            if ack:
                # Begun, it is not taken back: what comes of it is the server's to say.
                settled = True
                await _acknowledge(client, messages)
        finally:
            if not settled and messages:
                await client.ack(messages, "retry")
        _tell(len(messages), ack=ack)
    return Exit.FINE


async def _popped(client: Queen, source: QueueBuilder) -> List[Message]:
    """The messages; what comes after Ctrl-C is given back."""
    asked = asyncio.ensure_future(source.pop())
    try:
        return await asyncio.shield(asked)
    except asyncio.CancelledError:
        await asyncio.wait({asked}, timeout=_LAST_ANSWER_SECONDS)
        if asked.done() and not asked.cancelled() and asked.exception() is None and asked.result():
            await client.ack(asked.result(), "retry")
        asked.cancel()
        raise


async def _acknowledge(client: Queen, messages: List[Message]) -> None:
    if not messages:
        return
    refused = [result for result in await client.ack(messages, True) if not result["success"]]
    if refused:
        words = f"{len(refused)} of {notes.counted(len(messages), 'message')} could not be acknowledged"
        raise CommandError(f"{words}: {refused[0]['error']}")


def _fields(message: Message) -> Dict[str, object]:
    return dict(message)


def _tell(count: int, *, ack: bool) -> None:
    if not count:
        notes.note("no messages")
    elif ack:
        notes.note(f"{notes.counted(count, 'message')} acknowledged")
    else:
        notes.note(f"{notes.counted(count, 'message')} given back; --ack acknowledges")
