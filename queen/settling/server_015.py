"""Settling on server 0.15: a failure is one ack behind the completed ones, never in one call with what follows it."""

from __future__ import annotations

from typing import List

from queen.settling.acks import send_batch, send_one
from queen.settling.batch import Batch, Outcome
from queen.settling.decision import COMPLETED, Decision
from queen.transport.transport import Transport
from queen.types import AckResponse


class Server015:
    """The recipes of server 0.15.

    Args:
        transport: sends.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def complete(self, batch: Batch, count: int) -> List[AckResponse]:
        """Acknowledge the next messages as completed."""
        following = batch.transaction_ids[batch.settled : batch.settled + count]
        return await send_batch(self._transport, batch.lease, following, COMPLETED)

    async def fail(self, batch: Batch, decision: Decision) -> Outcome:
        """Nack the next message, or give it back with all behind it.

        After a dead letter the cursor is behind the message, and the lease goes on.
        """
        result = await send_one(self._transport, batch.lease, batch.next, decision)
        return Outcome(result, result["success"] and not result["dlq"] and decision.status != "dlq")
