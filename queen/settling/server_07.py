"""Settling on server 0.7.

It counts acks, by call, and retries a failure only when it is the last one counted of its batch; before that, a failure
is a dead letter at once. So acks of the message before are repeated until only one is missing. Batch acks and
transactions are not checked against the lease there, and a batch ack forgets the failures counted so far: they are sent
only while the lease is surely held, and after a lost answer only again when it still is.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import List, Optional, Sequence, Tuple

from queen_api.api import queues
from typing_extensions import Final

from queen.errors import QueenError
from queen.settling.acks import (
    INVALID_LEASE,
    LeaseKey,
    ack_result,
    send_batch,
    send_in_transaction,
    send_one,
    uncertain,
)
from queen.settling.batch import Batch, Outcome
from queen.settling.decision import COMPLETED, Decision
from queen.transport.reading import an_object, read_by
from queen.transport.transport import Transport
from queen.types import AckResponse

_REMEMBERED: Final = 10_000
_DEFAULT_RETRY_LIMIT: Final = 3

_Cursor = Tuple[str, Optional[str]]


class Server07:
    """The recipes of server 0.7.

    Args:
        transport: sends.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._failures: OrderedDict[_Cursor, int] = OrderedDict()

    async def complete(self, batch: Batch, count: int) -> List[AckResponse]:
        """Acknowledge the next messages as completed.

        Only an ack of all that is left may be a batch ack: a later failure must find the failures counted so far. Of
        messages that do not tell what else is in their batch, each is acknowledged by itself.
        """
        following = batch.transaction_ids[batch.settled : batch.settled + count]
        if batch.partial:
            return [await send_one(self._transport, batch.lease, identifier, COMPLETED) for identifier in following]
        if count == batch.left:
            self._failures.pop(_cursor(batch.lease), None)
            return await self._send(batch, following, COMPLETED, as_batch=True)
        return await self._send(batch, following, COMPLETED)

    async def fail(self, batch: Batch, decision: Decision) -> Outcome:
        """Nack the next message, or give it back with all behind it."""
        if decision.status == "dlq":
            return Outcome((await self._send(batch, [batch.next], decision))[0], lease_over=False)
        if decision.status == "retry":
            return await self._give_back(batch)
        if batch.partial or batch.uncounted == 1:
            return await self._fail_last(batch, decision)
        if batch.counted:
            return await self._fail_behind_others(batch, decision)
        return await self._fail_first(batch, decision)

    def note_failure(self, lease: LeaseKey, result: AckResponse) -> None:
        """Count a failure as the server does: for the partition and group, until there is a dead letter."""
        failures = self._failures.pop(_cursor(lease), 0)
        if result["success"] and not result["dlq"]:
            self._failures[_cursor(lease)] = failures + 1
            if len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)

    async def _fail_last(self, batch: Batch, decision: Decision) -> Outcome:
        result = await send_one(self._transport, batch.lease, batch.next, decision)
        self.note_failure(batch.lease, result)
        return _ended(result)

    async def _fail_behind_others(self, batch: Batch, decision: Decision) -> Outcome:
        """Count acks of the message before until only one is missing, and nack."""
        counted = await self._send(batch, [batch.before] * (batch.uncounted - 1), COMPLETED)
        if not counted[0]["success"]:
            return Outcome({**counted[0], "transactionId": batch.next}, lease_over=True)
        return await self._fail_last(batch, decision)

    async def _fail_first(self, batch: Batch, decision: Decision) -> Outcome:
        """Fail the whole batch: with nothing before the message, no ack can be counted without moving past it.

        At the retry limit that would make dead letters of all; then the message alone becomes one.
        """
        if self._failures.get(_cursor(batch.lease), 0) >= await self._retry_limit(batch):
            self._failures.pop(_cursor(batch.lease), None)
            result = (await self._send(batch, [batch.next], Decision("dlq", decision.error)))[0]
            if result["success"] and batch.uncounted > 1:
                await self._send(batch, [batch.next] * (batch.uncounted - 1), COMPLETED, as_batch=True)
            return Outcome(result, lease_over=True)
        results = await self._send(batch, batch.transaction_ids, decision, as_batch=True)
        self.note_failure(batch.lease, results[0])
        return _ended({**results[0], "transactionId": batch.next})

    async def _give_back(self, batch: Batch) -> Outcome:
        """End the lease by counting acks of the message before; with none before, the lease runs out."""
        if batch.counted:
            results = await self._send(batch, [batch.before] * batch.uncounted, COMPLETED, as_batch=True)
            if not results[0]["success"]:
                return Outcome({**results[0], "transactionId": batch.next}, lease_over=True)
        return Outcome(ack_result(batch.next), lease_over=True)

    async def _send(
        self, batch: Batch, transaction_ids: Sequence[str], decision: Decision, *, as_batch: bool = False
    ) -> List[AckResponse]:
        """Send what the server does not check against the lease, while the lease is held.

        When the answer is lost and the lease is over, what was sent has ended it. To send it again would then act on
        the batch of whoever has the partition now.
        """
        send = send_batch if as_batch else send_in_transaction
        if not await batch.hold.is_held(self._transport):
            return [ack_result(identifier, INVALID_LEASE) for identifier in transaction_ids]
        try:
            return await send(self._transport, batch.lease, transaction_ids, decision, repeat_lost=False)
        except QueenError as error:
            if not error.maybe_delivered:
                raise
        if await batch.hold.extend(self._transport):
            return await send(self._transport, batch.lease, transaction_ids, decision, repeat_lost=False)
        return [uncertain(ack_result(identifier)) for identifier in transaction_ids]

    async def _retry_limit(self, batch: Batch) -> int:
        if batch.lease.queue is None:
            return _DEFAULT_RETRY_LIMIT
        request = read_by(queues.get_queue_status(queue=batch.lease.queue), _limit)
        return await self._transport.send(request, affinity=batch.lease.affinity)


def _limit(answer: object) -> int:
    queue = an_object(an_object(answer).get("queue") or {})
    limit = an_object(queue.get("config") or {}).get("retryLimit")
    return limit if isinstance(limit, int) else _DEFAULT_RETRY_LIMIT


def _cursor(lease: LeaseKey) -> _Cursor:
    return lease.partition_id, lease.group


def _ended(result: AckResponse) -> Outcome:
    """The outcome of a counted failure: it always ends the lease."""
    return Outcome(result, result["success"])
