"""A popped message: the dict that came over the wire, with typed properties and actions."""

from __future__ import annotations

from typing import Any, Generic, Mapping, Optional

from typing_extensions import TypeVar, override

from queen import validation
from queen.message_fields import MessageFields
from queen.settling.decision import COMPLETED, Decision, decision
from queen.settling.ledger import Ledger
from queen.settling.renewal import DEFAULT_SECONDS, renew_lease
from queen.settling.tracing import record_trace
from queen.types import AckResponse, RenewResponse, TraceResponse

T = TypeVar("T", default=Any)


class Message(MessageFields[T], Generic[T]):
    """One message, as a dict with the keys of the wire: ``id``, ``transactionId``, ``partitionId``, ``queue``,
    ``partition``, ``data``, ``traceId``, ``createdAt``, ``consumerGroup``, ``leaseId`` and what else the server sends.

    It stays JSON: what it knows beside the wire, its lease's ledger, is no key of the dict. ``message["trace"](...)``
    records a trace event, as ``message.trace(...)`` does.
    """

    __slots__ = ()

    @override
    def __missing__(self, key: str) -> Any:
        return self.trace if key == "trace" else super().__missing__(key)

    async def ack(self) -> AckResponse:
        """Acknowledge it as completed.

        Returns:
            ``success`` and ``error``; ``pending`` is True while messages before it in its partition are not settled.

        Raises:
            QueenError: the transport failed.
        """
        return await self._settle(COMPLETED)

    async def nack(self, error: Optional[str] = None, *, status: object = False) -> AckResponse:
        """Give it up.

        Args:
            error: why; kept if it becomes a dead letter.
            status: False, a counted failure: it comes again until the queue's retry limit; ``"failed"`` or ``"dlq"``,
                a dead letter at once; ``"retry"``, given back, nothing is counted.
        """
        return await self._settle(decision(status, error))

    async def renew(self, seconds: int = DEFAULT_SECONDS) -> RenewResponse:
        """Make its lease last at least so many seconds from now."""
        validation.integer("seconds", seconds, minimum=1)
        ledger = self._needed_ledger("renew")
        lease = ledger.lease
        if lease.lease_id is None:
            return {
                "success": False,
                "leaseId": "",
                "error": "the message was acknowledged at the pop; it has no lease",
            }
        return await renew_lease(ledger.transport, lease.lease_id, seconds=seconds, affinity=lease.affinity)

    async def trace(self, event: Mapping[str, object]) -> TraceResponse:
        """Record a trace event; never raises.

        Args:
            event: ``data`` (any JSON), ``eventType``, ``traceName`` (a name or a list of names).
        """
        ledger = self._ledger
        if ledger is None:
            return {"success": False, "error": "the message was not popped by a client; it cannot be traced"}
        return await record_trace(ledger.transport, ledger.lease, self.transaction_id, event)

    async def _settle(self, decided: Decision) -> AckResponse:
        ledger = self._needed_ledger("ack")
        return (await ledger.settle({self.transaction_id: decided}))[self.transaction_id]

    def _needed_ledger(self, action: str) -> Ledger:
        if self._ledger is None:
            raise ValueError(f"this message was not popped by a client; use queen.{action}(message)")
        return self._ledger
