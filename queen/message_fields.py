"""What a popped message says: the dict that came over the wire, with typed properties."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, Generic, Mapping, Optional

from typing_extensions import Final, Self, TypeVar, override

from queen import validation
from queen.errors import ProtocolError
from queen.settling.ledger import Ledger
from queen.timestamps import moment_of

T = TypeVar("T", default=Any)

# What every server sends with a message.
_PROMISED: Final = frozenset(["id", "transactionId", "queue", "partition", "partitionId", "data", "createdAt"])


class MessageFields(Dict[str, Any], Generic[T]):
    """What is common to the messages of ``queen`` and of ``queen.sync``, which differ in their actions.

    Args:
        fields: the message as it came over the wire.
        ledger: what was decided for the messages of the same lease.
    """

    # The second is for ``queen.sync`` alone, and not set where a message is made: hardly any has it.
    __slots__ = ("_ledger", "counterpart")

    _ledger: Optional[Ledger]
    counterpart: object

    def __init__(self, fields: Mapping[str, Any], ledger: Optional[Ledger] = None) -> None:
        # 0.1 us less than super().__init__.
        self.update(fields)
        self._ledger = ledger

    def __missing__(self, key: str) -> Any:
        if key in _PROMISED and self._ledger is not None:
            raise self._misread(f"a message in it has no {key!r}")
        raise KeyError(key)

    def __copy__(self) -> Self:
        return type(self)(self, self._ledger)

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

    def _misread(self, reason: str) -> ProtocolError:
        excerpt = validation.shown(dict(self))
        return ProtocolError(reason, operation="pop", url="the server", status=200, excerpt=excerpt)
