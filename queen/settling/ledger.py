"""The ledger of one lease: its messages in order, and what was decided for each.

Servers keep one cursor for each partition and consumer group, not a state for each message: an ack moves the cursor to
its message, and everything before it counts as read. So a decision is sent only when all messages before it are
settled; until then it waits here.
"""

from __future__ import annotations

import asyncio
import math
from typing import Collection, Dict, List, Mapping, Optional, Sequence, Set

from typing_extensions import Final

from queen.settling.acks import LeaseKey, ack_result, is_lease_refusal
from queen.settling.batch import Batch, Hold
from queen.settling.decision import COMPLETED, Decision
from queen.settling.settler import Settler
from queen.transport.transport import Transport
from queen.types import AckResponse

_GIVEN_BACK: Final = "not acknowledged: a message before it was given back, and the lease with it; it comes again"
_LEASE_OVER: Final = "not acknowledged: the lease is over; the message comes again"


class Ledger:
    """The messages that one pop leased in one partition.

    Args:
        settler: sends the acks.
        lease: the lease.
        transaction_ids: the messages, in the order of the partition.
        leased_at: when they were popped, in the loop's time; long ago where that is not known.
        partial: whether there may be other messages under the lease: these were not popped by this client.
        acknowledged: whether the server acknowledged them at the pop, so that nothing is left to send.
    """

    def __init__(
        self,
        settler: Settler,
        lease: LeaseKey,
        transaction_ids: Sequence[str],
        *,
        leased_at: float = -math.inf,
        partial: bool = False,
        acknowledged: bool = False,
    ) -> None:
        self._settler = settler
        self.lease = lease
        self._hold = Hold(lease, leased_at)
        self.transaction_ids = list(transaction_ids)
        self._partial = partial
        self._counted = 0
        # By place; an object for each message would be made in vain where a pop is all that is asked for.
        self._decisions: List[Optional[Decision]] = [None] * len(self.transaction_ids)
        self._results: List[Optional[AckResponse]] = [None] * len(self.transaction_ids)
        self._known_places: Optional[Dict[str, int]] = None
        self._head = 0
        self._unsent_failures: Set[str] = set()
        self._over: Optional[str] = None
        self._lock: Optional[asyncio.Lock] = None
        if acknowledged:
            for transaction_id in transaction_ids:
                self.mark_committed(transaction_id, COMPLETED, lease_over=False)

    @property
    def transport(self) -> Transport:
        """What sends for the messages."""
        return self._settler.transport

    @property
    def over(self) -> bool:
        """Whether the lease has ended: nothing more can be settled under it."""
        return self._over is not None

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.over or self._head == len(self._results)

    @property
    def has_unsent_failure(self) -> bool:
        """Whether a failure is decided and not confirmed: what is behind it comes again when it is."""
        return not self.over and bool(self._unsent_failures)

    def position(self, transaction_id: str) -> int:
        """The place of a message in its batch."""
        return self._places()[transaction_id]

    def knows(self, transaction_id: str) -> bool:
        """Whether a message is one of its own."""
        return transaction_id in self._places()

    def is_decided(self, transaction_id: str) -> bool:
        """Whether something was decided for a message, sent or not."""
        place = self._places().get(transaction_id)
        return place is not None and self._decisions[place] is not None

    def mark_lost(self) -> None:
        """Note that the lease could not be renewed: its messages may be with somebody else."""
        self._over = self._over or _LEASE_OVER

    def turn(self) -> asyncio.Lock:
        """What keeps all others from settling under this lease while it is held."""
        self.transport.home.check("ack")
        # Made at the first use: before Python 3.10 a lock belongs to the loop in which it is made.
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    def unsettled_before(self, transaction_ids: Collection[str]) -> Optional[str]:
        """The first message that comes before one of these, is none of them, and is not settled; None for none."""
        last = max(self.position(transaction_id) for transaction_id in transaction_ids)
        for transaction_id, result in zip(self.transaction_ids[:last], self._results):
            if result is None and transaction_id not in transaction_ids:
                return transaction_id
        return None

    async def is_held(self) -> bool:
        """Whether the lease is in force; asked where a server does not check it.

        Raises:
            QueenError: the server could not be asked.
        """
        return await self._hold.is_held(self.transport)

    def mark_committed(self, transaction_id: str, decision: Decision, *, lease_over: bool) -> None:
        """Note that a transaction settled a message; ``settle({})`` then sends what waited for it.

        Args:
            transaction_id: the message.
            decision: how it ended.
            lease_over: whether that gave the lease back.
        """
        place = self.position(transaction_id)
        self._decisions[place] = decision
        self._results[place] = ack_result(transaction_id, dlq=decision.status != "completed")
        self._unsent_failures.discard(transaction_id)
        if lease_over:
            self._over = self._over or _GIVEN_BACK
        self._skip_settled()

    async def settle(self, decisions: Mapping[str, Decision]) -> Dict[str, AckResponse]:
        """Note decisions, and send all that nothing before them holds up.

        A decision that was made stays: a second, other one for the same message is refused in its result.

        Args:
            decisions: by transaction id.

        Returns:
            A result for each of them.

        Raises:
            QueenError: the transport failed. The decisions stay noted, and the next call sends them again.
        """
        async with self.turn():
            conflicts = {
                transaction_id: decision.status
                for transaction_id, decision in decisions.items()
                if not self._note(transaction_id, decision)
            }
            await self._advance()
            return {
                transaction_id: self._conflict(transaction_id, conflicts[transaction_id])
                if transaction_id in conflicts
                else self._result(self.position(transaction_id))
                for transaction_id in decisions
            }

    async def complete(self, transaction_id: str) -> List[AckResponse]:
        """Complete a message if nothing was decided for it: as ``settle``.

        Returns:
            Its result; nothing where it was decided before.
        """
        if self.is_decided(transaction_id):
            return []
        return list((await self.settle({transaction_id: COMPLETED})).values())

    async def complete_rest(self) -> List[AckResponse]:
        """Complete all messages that nothing was decided for: as ``settle``, for a third of its cost.

        Returns:
            The results of those that were refused.

        Raises:
            QueenError: the transport failed. The decisions stay noted, and the next call sends them again.
        """
        async with self.turn():
            undecided = [place for place, decided in enumerate(self._decisions) if decided is None]
            for place in undecided:
                self._decisions[place] = COMPLETED
            await self._advance()
            if self._counted == len(self._results):
                return []
            results = [self._result(place) for place in undecided]
            return [result for result in results if not result["success"]]

    async def give_back(self, transaction_ids: Collection[str]) -> None:
        """Give messages back to the server, for anyone to take at once; nothing is counted.

        That ends the lease for all that is behind the cursor: while a message before them is still being worked on,
        they stay until the lease runs out.

        Args:
            transaction_ids: messages that were not started.
        """
        async with self.turn():
            await self._advance()
            if not self.settled and self.transaction_ids[self._head] in transaction_ids:
                self._decide(self._head, Decision("retry"))
                await self._advance()

    async def fail_first(self, error: Optional[str]) -> List[AckResponse]:
        """Fail the first message that nothing was decided for, which makes it and all behind it come again.

        A server counts one failure. Failing all messages of a batch instead would count many, or lose one.
        """
        places = range(self._head, len(self._decisions))
        undecided = next((place for place in places if self._decisions[place] is None), None)
        if undecided is None or self.over:
            return []
        results = await self.settle({self.transaction_ids[undecided]: Decision("failed", error)})
        return list(results.values())

    def _places(self) -> Dict[str, int]:
        if self._known_places is None:
            self._known_places = {transaction_id: place for place, transaction_id in enumerate(self.transaction_ids)}
        return self._known_places

    def _note(self, transaction_id: str, decision: Decision) -> bool:
        place = self.position(transaction_id)
        noted = self._decisions[place] or self._decide(place, decision)
        return noted.status == decision.status

    def _decide(self, place: int, decision: Decision) -> Decision:
        self._decisions[place] = decision
        # Behind a dead letter the lease goes on: only what else ends a message makes those behind it come again.
        if decision.status in ("failed", "retry"):
            self._unsent_failures.add(self.transaction_ids[place])
        return decision

    async def _advance(self) -> None:
        """Send what is decided, from the first unsettled message up to the first undecided one."""
        while not self.settled:
            decision = self._decisions[self._head]
            if decision is None:
                return
            if decision.status == "completed":
                await self._send_run()
            else:
                await self._send_failure(self._head, decision)
            self._skip_settled()

    async def _send_run(self) -> None:
        end = self._end_of_run()
        results = await self._settler.complete(self._batch(), end - self._head)
        self._results[self._head : end] = results
        for result in results:
            if result["success"]:
                self._counted += 1
            elif is_lease_refusal(result):
                self._over = _LEASE_OVER
        self._head = end

    def _end_of_run(self) -> int:
        """The place behind the completed messages that the next unsettled one, itself completed, stands in front of."""
        count = len(self._decisions)
        # A whole batch, mostly. The lists count them in C.
        if self._results.count(None) == count - self._head and self._decisions.count(COMPLETED) == count:
            return count
        end = self._head + 1
        while end < count:
            decision = self._decisions[end]
            if self._results[end] is not None or decision is None or decision.status != "completed":
                break
            end += 1
        return end

    async def _send_failure(self, place: int, decision: Decision) -> None:
        outcome = await self._settler.fail(self._batch(), decision)
        self._results[place] = outcome.result
        self._unsent_failures.discard(self.transaction_ids[place])
        if is_lease_refusal(outcome.result):
            self._over = _LEASE_OVER
        elif outcome.lease_over:
            self._over = _GIVEN_BACK

    def _batch(self) -> Batch:
        return Batch(self.lease, self.transaction_ids, self._head, self._counted, self._partial, self._hold)

    def _skip_settled(self) -> None:
        while self._head < len(self._results):
            result = self._results[self._head]
            if result is None:
                return
            self._head += 1
            self._counted += result["success"]

    def _result(self, place: int) -> AckResponse:
        known = self._results[place]
        if known is not None:
            return known
        transaction_id = self.transaction_ids[place]
        if self._over is not None:
            return ack_result(transaction_id, self._over)
        result = ack_result(transaction_id)
        result["pending"] = True
        return result

    def _conflict(self, transaction_id: str, status: str) -> AckResponse:
        decided = self._decisions[self.position(transaction_id)]
        earlier = decided.status if decided else "undecided"
        return ack_result(transaction_id, f"not acknowledged as {status}: it was acknowledged as {earlier} before")
