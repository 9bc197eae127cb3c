"""A popped message: the dict that came over the wire, with typed properties and actions."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, Generic, Mapping, Optional

from typing_extensions import Final, TypeVar, override

from queen import validation
from queen.errors import ProtocolError
from queen.settling.decision import COMPLETED, Decision, decision
from queen.settling.ledger import Ledger
from queen.settling.renewal import DEFAULT_SECONDS, renew_lease
from queen.settling.tracing import record_trace
from queen.timestamps import moment_of
from queen.types import AckResponse, RenewResponse, TraceResponse

T = TypeVar("T", default=Any)

# What every server sends with a message.
_PROMISED: Final = frozenset(["id", "transactionId", "queue", "partition", "partitionId", "data", "createdAt"])


class Message(Dict[str, Any], Generic[T]):
    """One message, as a dict with the keys of the wire: ``id``, ``transactionId``, ``partitionId``, ``queue``,
    ``partition``, ``data``, ``traceId``, ``createdAt``, ``consumerGroup``, ``leaseId`` and what else the server sends.

    It stays JSON: what it knows beside the wire, its lease's ledger, is no key of the dict. ``message["trace"](...)``
    records a trace event, as ``message.trace(...)`` does.
    """

    __slots__ = ("_ledger",)

    _ledger: Optional[Ledger]

    def __init__(self, fields: Mapping[str, Any], ledger: Optional[Ledger] = None) -> None:
        # 0.1 us less than super().__init__.
        self.update(fields)
        self._ledger = ledger

    def __missing__(self, key: str) -> Any:
        if key == "trace":
            return self.trace
        if key in _PROMISED and self._ledger is not None:
            raise self._misread(f"a message in it has no {key!r}")
        raise KeyError(key)

    def __copy__(self) -> Message[T]:
        return Message(self, self._ledger)

    @override
    def __reduce__(self) -> Any:
        # A copy in another process has no connection to the server, and is acknowledged as a plain dict.
        return (type(self), (dict(self),))

    @property
    def ledger(self) -> Optional[Ledger]:
        """What was decided for the messages of the same lease; None for a message that was not popped by a client."""
        return self._ledger

    @property
    def data(self) -> T:
        """The payload."""
        payload: T = self["data"]
        return payload

    @property
    def id(self) -> str:
        """The server's id of the message."""
        return str(self["id"])

    @property
    def transaction_id(self) -> str:
        """The id that the producer gave it, unique in its partition."""
        return str(self["transactionId"])

    @property
    def queue(self) -> str:
        """The name of its queue."""
        return str(self["queue"])

    @property
    def partition(self) -> str:
        """The name of its partition."""
        return str(self["partition"])

    @property
    def partition_id(self) -> str:
        """The server's id of its partition."""
        return str(self["partitionId"])

    @property
    def consumer_group(self) -> Optional[str]:
        """The consumer group that it was popped for; None in queue mode."""
        return self._ledger.lease.group if self._ledger is not None else self.get("consumerGroup")

    @property
    def lease_id(self) -> Optional[str]:
        """The lease that it is under; None where it was acknowledged at the pop."""
        return self.get("leaseId") or None

    @property
    def lease_lost(self) -> bool:
        """Whether its lease is known to be over: its work may be done by somebody else too."""
        return self._ledger is not None and self._ledger.over

    @property
    def created_at(self) -> datetime:
        """When the server stored it, an aware datetime in UTC.

        Raises:
            ProtocolError: what the server says is no time.
        """
        written = self["createdAt"]
        try:
            return moment_of(written).astimezone(timezone.utc)
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            raise self._misread("the createdAt of a message in it is no time") from error

    @property
    def trace_id(self) -> Optional[str]:
        """The trace id that the producer gave it."""
        return self.get("traceId")

    @property
    def producer_sub(self) -> Optional[str]:
        """The ``sub`` of the producer's token (server 0.15 with authentication)."""
        return self.get("producerSub")

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

    def _misread(self, reason: str) -> ProtocolError:
        excerpt = validation.shown(dict(self))
        return ProtocolError(reason, operation="pop", url="the server", status=200, excerpt=excerpt)

    async def _settle(self, decided: Decision) -> AckResponse:
        ledger = self._needed_ledger("ack")
        return (await ledger.settle({self.transaction_id: decided}))[self.transaction_id]

    def _needed_ledger(self, action: str) -> Ledger:
        if self._ledger is None:
            raise ValueError(f"this message was not popped by a client; use queen.{action}(message)")
        return self._ledger
