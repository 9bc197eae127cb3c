"""Settling on server 0.7.

It counts acks, by call, and retries a failure only when it is the last one counted of its batch; before that, a failure
is a dead letter at once. So acks of the message before are repeated until only one is missing. Batch acks and
transactions are not checked against the lease there, and a batch ack forgets the failures counted so far.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import List, Mapping, Optional, Tuple, cast

from queen_api.api import queues
from typing_extensions import Final

from queen.settling.acks import LeaseKey, send_batch, send_in_transaction, send_one
from queen.settling.batch import Batch, Outcome
from queen.settling.decision import COMPLETED, Decision
from queen.transport.transport import Transport
from queen.types import AckResponse

_LEASE_OVER: Final = "Invalid or expired lease"
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

        Only an ack of all that is left may be a batch ack: a later failure must find the failures counted so far.
        """
        following = batch.transaction_ids[batch.settled : batch.settled + count]
        if not await batch.hold.is_held(self._transport):
            return [_refused(transaction_id) for transaction_id in following]
        if count == batch.left:
            self._failures.pop(_cursor(batch.lease), None)
            return await send_batch(self._transport, batch.lease, following, COMPLETED)
        return await send_in_transaction(self._transport, batch.lease, following, COMPLETED)

    async def fail(self, batch: Batch, decision: Decision) -> Outcome:
        """Nack the next message, or give it back with all behind it."""
        if decision.status == "retry":
            return await self._give_back(batch)
        if decision.status == "dlq":
            return Outcome(await self._dead_letter(batch, decision), lease_over=False)
        if batch.left == 1:
            return await self._fail_last(batch, decision)
        if batch.settled:
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
        if not await batch.hold.is_held(self._transport):
            return Outcome(_refused(batch.next), lease_over=True)
        before = batch.transaction_ids[batch.settled - 1]
        counted = await send_in_transaction(self._transport, batch.lease, [before] * (batch.left - 1), COMPLETED)
        if not counted[0]["success"]:
            return Outcome({**counted[0], "transactionId": batch.next}, lease_over=True)
        return await self._fail_last(batch, decision)

    async def _fail_first(self, batch: Batch, decision: Decision) -> Outcome:
        """Fail the whole batch: with nothing before the message, no ack can be counted without moving past it.

        At the retry limit that would make dead letters of all; then the message alone becomes one.
        """
        if self._failures.get(_cursor(batch.lease), 0) >= await self._retry_limit(batch):
            self._failures.pop(_cursor(batch.lease), None)
            result = await self._dead_letter(batch, decision)
            if result["success"]:
                await self._fill(batch, batch.next, batch.left - 1)
            return Outcome(result, lease_over=True)
        if not await batch.hold.is_held(self._transport):
            return Outcome(_refused(batch.next), lease_over=True)
        results = await send_batch(self._transport, batch.lease, batch.transaction_ids, decision)
        self.note_failure(batch.lease, results[0])
        return _ended(results[0])

    async def _give_back(self, batch: Batch) -> Outcome:
        """End the lease by counting acks of the message before; with none before, the lease runs out."""
        given_back: AckResponse = {"success": True, "error": None, "transactionId": batch.next, "dlq": False}
        if batch.settled:
            if not await batch.hold.is_held(self._transport):
                return Outcome(_refused(batch.next), lease_over=True)
            await self._fill(batch, batch.transaction_ids[batch.settled - 1], batch.left)
        return Outcome(given_back, lease_over=True)

    async def _fill(self, batch: Batch, transaction_id: str, count: int) -> None:
        if count:
            await send_batch(self._transport, batch.lease, [transaction_id] * count, COMPLETED)

    async def _dead_letter(self, batch: Batch, decision: Decision) -> AckResponse:
        if not await batch.hold.is_held(self._transport):
            return _refused(batch.next)
        return (await send_in_transaction(self._transport, batch.lease, [batch.next], Decision("dlq", decision.error)))[
            0
        ]

    async def _retry_limit(self, batch: Batch) -> int:
        if batch.lease.queue is None:
            return _DEFAULT_RETRY_LIMIT
        request = queues.get_queue_status(queue=batch.lease.queue)
        answer = cast("Mapping[str, object]", await self._transport.send(request, affinity=batch.lease.affinity))
        queue = cast("Mapping[str, object]", answer.get("queue") or {})
        limit = cast("Mapping[str, object]", queue.get("config") or {}).get("retryLimit")
        return limit if isinstance(limit, int) else _DEFAULT_RETRY_LIMIT


def _cursor(lease: LeaseKey) -> _Cursor:
    return lease.partition_id, lease.group


def _ended(result: AckResponse) -> Outcome:
    """The outcome of a counted failure: it always ends the lease."""
    return Outcome(result, result["success"])


def _refused(transaction_id: str) -> AckResponse:
    return {"success": False, "error": _LEASE_OVER, "transactionId": transaction_id, "dlq": False}
