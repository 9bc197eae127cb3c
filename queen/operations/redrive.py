"""Redriving dead letters: each is pushed again once, and deleted where nobody else needs its message.

A run works on the dead letters that are there when it starts, so what fails again meanwhile waits for the next run. It
goes from the oldest message to the newest: what comes of a message is younger than the message itself, so a run never
removes the copy by which it would know the original.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Set, Tuple

import attrs
from queen_api.api import messages
from typing_extensions import Final, Literal

from queen.errors import ProtocolError, ServerRefusedError
from queen.operations.copies import Copies, Fate
from queen.operations.dead_letters import EVERY, DeadLetterQuery, list_dead_letters
from queen.operations.names import check_name
from queen.operations.originals import Original, Originals, unaddressable
from queen.timestamps import moment_of
from queen.transport.transport import Transport
from queen.types import DeadLetter, RedriveResponse

OTHERS_READ_IT: Final = "other consumer groups read its partition"
_NOT_PUSHED = (ServerRefusedError, ValueError)


@attrs.frozen(kw_only=True)
class RedriveOptions:
    """How to redrive.

    Attributes:
        limit: how many are pushed at most; None for all.
        to_queue: where they go; None for their own queue.
        remove: whether the message is deleted even if other groups have still to read it.
        dry_run: whether only to tell what would be done.
    """

    limit: Optional[int] = None
    to_queue: Optional[str] = None
    remove: bool = False
    dry_run: bool = False


async def redrive(transport: Transport, query: DeadLetterQuery, options: RedriveOptions) -> RedriveResponse:
    """Push dead letters again, and delete their messages where that is asked for or takes nothing from anybody.

    Args:
        transport: sends requests.
        query: which dead letters; all that match where it says no limit.
        options: how.

    Raises:
        QueenError: the listing failed, or the transport did. What was done stays done, and another run goes on there.
        ValueError: a queue name that the server would mix up with another.
    """
    if options.to_queue is not None:
        await check_name(transport, options.to_queue)
    wanted = query if query.limit is not None else attrs.evolve(query, limit=EVERY)
    listing = await list_dead_letters(transport, wanted)
    originals = by_message(listing["messages"])
    dialect = await transport.dialect()
    copies = Copies(transport, dialect, options.to_queue)
    found = sum(len(letters) for letters in originals)
    run = _Run(transport, options, Originals(transport, dialect), copies, found=found)
    for letters in originals:
        if run.is_full:
            break
        await run.redrive(letters)
    return run.report


class _Run:
    """One redrive, and its report."""

    def __init__(
        self, transport: Transport, options: RedriveOptions, originals: Originals, copies: Copies, *, found: int
    ) -> None:
        self._transport = transport
        self._options = options
        self._originals = originals
        self._copies = copies
        self._removed: Set[str] = set()
        self.report: RedriveResponse = {
            "found": found, "pushed": 0, "already": 0, "removed": 0, "kept": 0, "failed": 0, "reasons": [],
        }  # fmt: skip

    @property
    def is_full(self) -> bool:
        """Whether as many were pushed as may be."""
        return self._options.limit is not None and self.report["pushed"] >= self._options.limit

    async def redrive(self, letters: Sequence[DeadLetter]) -> None:
        """Redrive the dead letters of one message."""
        try:
            original = await self._originals.read(letters[0])
        except _NOT_PUSHED as error:
            for letter in letters:
                self._note(letter, "failed", str(error))
            return
        pushed = await self._push(letters, original)
        if not pushed:
            return
        stays = await self._why_it_stays(letters, pushed, original)
        if stays is None and not self._options.dry_run:
            stays = await delete_original(self._transport, letters[0])
        if stays is None:
            self._removed.add(letters[0]["id"])
        for letter, _ in pushed:
            if stays is None:
                self.report["removed"] += 1
            else:
                self._note(letter, "kept", stays)

    async def _push(self, letters: Sequence[DeadLetter], original: Original) -> List[Tuple[DeadLetter, Fate]]:
        pushed: List[Tuple[DeadLetter, Fate]] = []
        for letter in letters:
            if self.is_full:
                break
            try:
                if self._options.dry_run:
                    fate = await self._copies.foretell(letter)
                else:
                    fate = await self._copies.push(letter, original)
            except _NOT_PUSHED as error:
                self._note(letter, "failed", str(error))
                continue
            self.report["already" if fate == "duplicate" else "pushed"] += 1
            pushed.append((letter, fate))
        return pushed

    async def _why_it_stays(
        self, letters: Sequence[DeadLetter], pushed: Sequence[Tuple[DeadLetter, Fate]], original: Original
    ) -> Optional[str]:
        """Why the message of these dead letters is not deleted; None where it is."""
        if original.detail is None:
            return unaddressable(letters[0])
        if any(fate == "buffered" for _, fate in pushed):
            return "the server has buffered the push, and not stored it yet"
        if len(pushed) < len(letters):
            return "it is a dead letter of other groups too, and not all of these were redriven"
        if await self._copies.tells_of_another(letters[0], self._removed):
            return "it is the copy of a message that is still a dead letter, and tells that this one was redriven"
        own = {letter["consumerGroup"] for letter in letters}
        if not self._options.remove and await self._originals.is_read_by_others(original.detail, own):
            return OTHERS_READ_IT
        return None

    def _note(self, letter: DeadLetter, outcome: Literal["failed", "kept"], reason: str) -> None:
        self.report[outcome] += 1
        self.report["reasons"].append(
            {
                "transactionId": letter["transactionId"],
                "partitionId": letter["partitionId"],
                "consumerGroup": letter["consumerGroup"],
                "outcome": outcome,
                "reason": reason,
            }
        )


async def delete_original(transport: Transport, letter: DeadLetter) -> Optional[str]:
    """Delete the message of a dead letter, with all its dead letters; why not, where it was refused."""
    request = messages.delete_message(partition_id=letter["partitionId"], transaction_id=letter["transactionId"])
    try:
        # A message that is gone already is no error: the answer to a first attempt may have been lost.
        return (await transport.send(request)).get("error")
    except ServerRefusedError as error:
        return str(error)


def by_message(listed: Sequence[DeadLetter]) -> List[List[DeadLetter]]:
    """The dead letters of each message, one for each group, the oldest message first."""
    by_message: Dict[str, Dict[str, DeadLetter]] = {}
    for letter in listed:
        # The latest failure comes first, and stands for earlier ones of the same group.
        by_message.setdefault(letter["id"], {}).setdefault(letter["consumerGroup"], letter)
    found = [list(groups.values()) for groups in by_message.values()]
    # Server 0.15 cuts times to milliseconds; message ids are in the order of the pushes.
    try:
        found.sort(key=lambda letters: (moment_of(letters[0]["createdAt"]), letters[0]["id"]))
    except ValueError as error:
        reason = f"the createdAt of a dead letter is no time: {error}"
        excerpt = str(listed)[:200]
        raise ProtocolError(
            reason, operation="list_dead_letters", url="the server", status=200, excerpt=excerpt
        ) from error
    return found
