"""Purging dead letters: messages are deleted where that takes nothing from anybody, or where it is asked for."""

from __future__ import annotations

from typing import Optional, Sequence

import attrs

from queen.errors import ServerRefusedError
from queen.operations.dead_letters import EVERY, DeadLetterQuery, list_dead_letters
from queen.operations.originals import Originals, unaddressable
from queen.operations.redrive import OTHERS_READ_IT, by_message, delete_original
from queen.transport.transport import Transport
from queen.types import DeadLetter, PurgeResponse


async def purge(transport: Transport, query: DeadLetterQuery, *, remove: bool, dry_run: bool) -> PurgeResponse:
    """Delete the messages of dead letters.

    Args:
        transport: sends requests.
        query: which dead letters; all that match where it says no limit.
        remove: whether a message is deleted even if other groups have still to read it.
        dry_run: whether only to tell what would be done.

    Raises:
        QueenError: the listing failed, or the transport did. What was deleted stays so.
    """
    wanted = query if query.limit is not None else attrs.evolve(query, limit=EVERY)
    listing = await list_dead_letters(transport, wanted)
    originals = Originals(transport, await transport.dialect())
    messages = by_message(listing["messages"])
    report: PurgeResponse = {"found": sum(map(len, messages)), "removed": 0, "kept": 0, "reasons": []}
    for letters in messages:
        stays = await _why_it_stays(originals, letters, remove=remove)
        if stays is None and not dry_run:
            stays = await delete_original(transport, letters[0])
        if stays is None:
            report["removed"] += len(letters)
            continue
        for letter in letters:
            report["kept"] += 1
            report["reasons"].append(
                {
                    "transactionId": letter["transactionId"],
                    "partitionId": letter["partitionId"],
                    "consumerGroup": letter["consumerGroup"],
                    "outcome": "kept",
                    "reason": stays,
                }
            )
    return report


async def _why_it_stays(originals: Originals, letters: Sequence[DeadLetter], *, remove: bool) -> Optional[str]:
    """Why the message of these dead letters is not deleted; None where it is."""
    unreachable = unaddressable(letters[0])
    if unreachable is not None or remove:
        return unreachable
    try:
        detail = await originals.detail(letters[0])
    except ServerRefusedError as error:
        return error.words
    own = {letter["consumerGroup"] for letter in letters}
    return OTHERS_READ_IT if await originals.is_read_by_others(detail, own) else None
