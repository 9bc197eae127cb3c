"""Dead letters: what a consumer group gave up on."""

from __future__ import annotations

import functools
from typing import Dict, List, Optional, Tuple, cast

import attrs
from queen_api.api import dlq
from typing_extensions import Final

from queen.timestamps import moment_of
from queen.transport.reading import a_text, an_integer, an_object, objects, read_by
from queen.transport.transport import Transport
from queen.types import DeadLetter, DLQResponse
from queen.validation import MAX_INTEGER

# How many the servers give where no limit is given.
DEFAULT_LIMIT: Final = 100
_TEXTS: Final = (
    "id", "transactionId", "partitionId", "queue", "partition", "consumerGroup", "createdAt", "dlqTimestamp",
)  # fmt: skip
# A limit that leaves nothing out.
EVERY: Final = MAX_INTEGER


@attrs.frozen(kw_only=True)
class DeadLetterQuery:
    """Which dead letters.

    Attributes:
        queue: of this queue; None for all.
        partition: of this partition; None for all.
        group: of this consumer group; None for all.
        since: failed at or after this time stamp.
        until: failed at or before this time stamp.
        limit: how many at most; None where nothing was said.
        offset: how many to pass over first, counted from the latest.
    """

    queue: Optional[str] = None
    partition: Optional[str] = None
    group: Optional[str] = None
    since: Optional[str] = None
    until: Optional[str] = None
    limit: Optional[int] = None
    offset: int = 0


async def list_dead_letters(transport: Transport, query: DeadLetterQuery) -> DLQResponse:
    """List dead letters, the latest failure first, with the same keys from every server.

    Server 0.15 gives all of a queue's dead letters whatever the limit, knows no times and no partition here, and
    answers nothing at all for an offset: what it does not do is done here.

    Raises:
        QueenError: the listing failed.
    """
    limit = DEFAULT_LIMIT if query.limit is None else query.limit
    request = dlq.list_dead_letters(
        queue=query.queue,
        partition=query.partition,
        consumer_group=query.group,
        from_=query.since,
        to=query.until,
        limit=min(query.offset + limit, EVERY),
    )
    letters, total = await transport.send(read_by(request, functools.partial(_listed, query)))
    page = letters[query.offset : query.offset + limit]
    return {"messages": page, "total": total, "limit": limit, "offset": query.offset}


def _listed(query: DeadLetterQuery, answer: object) -> Tuple[List[DeadLetter], int]:
    """The dead letters of a listing that match, and how many there are in all."""
    fields = an_object(answer)
    letters = [_letter(wire) for wire in objects(fields.get("messages") or [])]
    if fields.get("total") is not None:
        return letters, an_integer(fields["total"])
    letters = [letter for letter in letters if _matches(letter, query)]
    return letters, len(letters)


def _letter(wire: Dict[str, object]) -> DeadLetter:
    letter = dict(wire)
    for key, of_server_07 in (
        ("queue", "queueName"),
        ("partition", "partitionName"),
        ("createdAt", "messageCreatedAt"),
        ("failedAt", "movedToDlqAt"),
    ):
        if key not in letter:
            letter[key] = letter.get(of_server_07)
    letter["id"] = wire.get("messageId", wire["id"])
    letter["dlqTimestamp"] = letter["failedAt"]
    for key in _TEXTS:
        a_text(letter[key])
    _ = letter["data"]
    return cast("DeadLetter", letter)


def _matches(letter: DeadLetter, query: DeadLetterQuery) -> bool:
    if query.partition is not None and letter["partition"] != query.partition:
        return False
    failed_at = moment_of(letter["dlqTimestamp"])
    if query.since is not None and failed_at < moment_of(query.since):
        return False
    return query.until is None or failed_at <= moment_of(query.until)
