"""Settles messages in the way that their server needs."""

from __future__ import annotations

from typing import List, Optional

from typing_extensions import Protocol

from queen.settling.acks import LeaseKey, send_one
from queen.settling.batch import Batch, Outcome
from queen.settling.decision import COMPLETED, Decision
from queen.settling.server_015 import Server015
from queen.settling.server_07 import Server07
from queen.transport.dialect import Dialect
from queen.transport.transport import Transport
from queen.types import AckResponse


class Recipes(Protocol):
    """How one generation of servers is told what became of messages."""

    async def complete(self, batch: Batch, count: int) -> List[AckResponse]:
        """Acknowledge the next messages as completed."""
        ...

    async def fail(self, batch: Batch, decision: Decision) -> Outcome:
        """Nack the next message, or give it back with all behind it."""
        ...


class Settler:
    """Acknowledges, nacks and gives back, on every server.

    Args:
        transport: sends.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._server_07 = Server07(transport)
        self._server_015 = Server015(transport)

    async def complete(self, batch: Batch, count: int) -> List[AckResponse]:
        """Acknowledge the next messages of a batch as completed.

        Raises:
            QueenError: the transport failed; refusals by the server are in the results.
        """
        if count == 1:
            # The same on every server, so none has to be asked what it is.
            return [await send_one(self.transport, batch.lease, batch.next, COMPLETED)]
        return await (await self._recipes(batch.lease)).complete(batch, count)

    async def fail(self, batch: Batch, decision: Decision) -> Outcome:
        """Nack the next message of a batch, or give it back with all behind it.

        Raises:
            QueenError: the transport failed; a refusal by the server is in the result.
        """
        if decision.status == "failed" and (len(batch.transaction_ids) == 1 or batch.partial):
            # The same on every server too, but 0.7 counts it towards what becomes of a later batch.
            result = await send_one(self.transport, batch.lease, batch.next, decision)
            self._server_07.note_failure(batch.lease, result)
            return Outcome(result, result["success"] and not result["dlq"])
        return await (await self._recipes(batch.lease)).fail(batch, decision)

    async def checks_leases_in_transactions(self, affinity: Optional[str]) -> bool:
        """Whether the server refuses a transaction's ack whose lease is over, and ends the lease with a failure."""
        return await self.transport.dialect(affinity) is not Dialect.V07

    async def ignores_auto_ack_in_polls(self, affinity: Optional[str]) -> bool:
        """Whether a long poll leases its messages although it asks for them acknowledged."""
        return await self.transport.dialect(affinity) is Dialect.V07

    async def _recipes(self, lease: LeaseKey) -> Recipes:
        if await self.transport.dialect(lease.affinity) is Dialect.V07:
            return self._server_07
        return self._server_015
