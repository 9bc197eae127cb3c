"""``queen dlq list``, ``redrive`` and ``purge``."""

from __future__ import annotations

import sys
from typing import Dict, List, Optional, Sequence

from cyclopts import Parameter
from typing_extensions import Annotated

from queen import PurgeResponse, Queen, RedriveReason, RedriveResponse
from queen.builders.dead_letters import DLQBuilder
from queen.cli import notes
from queen.cli.completion import group_names, queue_names
from queen.cli.connection import LOCAL, Server, check_queue, connect
from queen.cli.exits import CommandError, Exit, bad_input
from queen.cli.moments import moment, written
from queen.cli.output import AsJson, Column, show_facts, show_message, show_rows
from queen.cli.reading import answer_of_a_person

_QueueName = Annotated[str, Parameter(completer=queue_names)]
_GroupName = Annotated[Optional[str], Parameter(completer=group_names)]
_Flag = Annotated[bool, Parameter(negative=())]
_REASONS = (
    Column("TRANSACTION ID", "transactionId"),
    Column("GROUP", "consumerGroup"),
    Column("OUTCOME", "outcome"),
    Column("REASON", "reason"),
)


async def list_(
    queue: _QueueName,
    /,
    *,
    group: _GroupName = None,
    partition: Optional[str] = None,
    from_: Annotated[Optional[str], Parameter(name="--from")] = None,
    to: Optional[str] = None,
    limit: int = 100,
    offset: int = 0,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """List dead letters, the latest failure first: when, which group, which message, why, and its payload.

    Args:
        queue: the queue.
        group: only those of this consumer group.
        partition: only those of this partition.
        from_: failed at this time or later: `2026-01-31T10:00:00Z`, or `2h` for two hours ago.
        to: failed at this time or before.
        limit: how many at most.
        offset: how many to pass over first.
        json: one JSON line for each dead letter.
    """
    async with connect(server) as client:
        query = _query(client, queue, group, partition).limit(limit).offset(offset)
        query = query if from_ is None else query.from_(moment("--from", from_))
        query = query if to is None else query.to(moment("--to", to))
        answer = await query.get()
        if not answer["total"]:
            await check_queue(client, queue)
    for letter in answer["messages"]:
        parts = (
            written(letter["dlqTimestamp"]),
            letter["consumerGroup"],
            letter["partition"],
            letter["transactionId"],
            letter["errorMessage"] or "no reason given",
        )
        show_message({**letter}, parts, letter["data"], json=json)
    left = answer["total"] - offset - len(answer["messages"])
    if left > 0:
        notes.note(f"{left:,} more; --limit and --offset show them")
    elif not answer["total"]:
        notes.note("no dead letters")
    return Exit.FINE


async def redrive(
    queue: _QueueName,
    /,
    *,
    group: _GroupName = None,
    partition: Optional[str] = None,
    limit: Optional[int] = None,
    to_queue: Annotated[Optional[str], Parameter(completer=queue_names)] = None,
    dry_run: _Flag = False,
    remove: _Flag = False,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """Push dead letters again, each once, the oldest message first; after a crash, say the same again.

    The old message is deleted with its dead letter, unless other groups read its partition.

    Args:
        queue: the queue.
        group: only those of this consumer group.
        partition: only those of this partition.
        limit: how many are pushed at most.
        to_queue: push them to another queue.
        dry_run: change nothing, and tell what would be done.
        remove: delete the old message also where other groups have still to read it.
        json: one JSON document.
    """
    async with connect(server) as client:
        query = _query(client, queue, group, partition)
        report = await query.redrive(limit=limit, to_queue=to_queue, dry_run=dry_run, remove=remove)
        if not report["found"]:
            await check_queue(client, queue)
    _tell_redrive(report, json=json, dry_run=dry_run)
    return Exit.FAILED if report["failed"] else Exit.FINE


async def purge(
    queue: _QueueName,
    /,
    *,
    group: _GroupName = None,
    partition: Optional[str] = None,
    dry_run: _Flag = False,
    remove: _Flag = False,
    yes: Annotated[bool, Parameter(name=("--yes", "-y"), negative=())] = False,
    json: AsJson = False,
    server: Server = LOCAL,
) -> int:
    """Delete dead letters with their messages; asks before it does.

    Servers delete a message for all consumer groups, so one whose partition other groups read stays.

    Args:
        queue: the queue.
        group: only those of this consumer group.
        partition: only those of this partition.
        dry_run: change nothing, and tell what would be done.
        remove: delete a message also where other groups have still to read it.
        yes: do not ask.
        json: one JSON document.
    """
    async with connect(server) as client:
        query = _query(client, queue, group, partition)
        await check_queue(client, queue)
        if not (yes or dry_run):
            if not sys.stdin.isatty():
                raise bad_input("--yes", "nobody can be asked, since standard input is no terminal; say it to purge")
            await _ask((await query.purge(dry_run=True, remove=remove))["removed"], queue)
        report = await query.purge(dry_run=dry_run, remove=remove)
    _tell_purge(report, json=json, dry_run=dry_run)
    return Exit.FINE


def _query(client: Queen, queue: str, group: Optional[str], partition: Optional[str]) -> DLQBuilder:
    source = client.queue(queue)
    return (source if partition is None else source.partition(partition)).dlq(group)


async def _ask(count: int, queue: str) -> None:
    question = f"Delete {notes.counted(count, 'dead letter')} of {queue}, with the messages? [y/N] "
    if (await answer_of_a_person(question)).lower() not in ("y", "yes"):
        raise CommandError("nothing was deleted")


def _tell_redrive(report: RedriveResponse, *, json: bool, dry_run: bool) -> None:
    words = (
        f"{_would(dry_run)}{notes.counted(report['found'], 'dead letter')} found, {report['pushed']:,} pushed, "
        f"{report['already']:,} pushed before, {report['removed']:,} removed, {report['kept']:,} kept, "
        f"{report['failed']:,} failed"
    )
    _tell({**report}, words, report["reasons"], json=json)


def _tell_purge(report: PurgeResponse, *, json: bool, dry_run: bool) -> None:
    words = (
        f"{_would(dry_run)}{notes.counted(report['found'], 'dead letter')} found, {report['removed']:,} removed, "
        f"{report['kept']:,} kept"
    )
    _tell({**report}, words, report["reasons"], json=json)


def _tell(report: Dict[str, object], words: str, reasons: Sequence[RedriveReason], *, json: bool) -> None:
    show_facts(report, json=json, words=words)
    if reasons and not json:
        rows: List[Dict[str, object]] = [{**reason} for reason in reasons]
        show_rows(rows, _REASONS, json=False)


def _would(dry_run: bool) -> str:
    return "nothing was changed; it would be: " if dry_run else ""
