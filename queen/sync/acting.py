"""What a message of the sync client is made of: what it says, and where it acts."""

from __future__ import annotations

from typing import Any, Coroutine, Generic, Mapping, Optional

from typing_extensions import Final, Self, TypeVar, override

from queen.errors import QueenError
from queen.message import Message as AsyncMessage
from queen.message_fields import MessageFields
from queen.settling.ledger import Ledger
from queen.sync.portal import NoPortal, Portal
from queen.types import TraceResponse

T = TypeVar("T", default=Any)

_NO_PORTAL: Final = NoPortal()


class ActingMessage(MessageFields[T], Generic[T]):
    """A message that acts through one of the async client.

    Args:
        fields: the message as it came over the wire.
        ledger: what was decided for the messages of the same lease.
        portal: where the async client works.
    """

    # With slots of its own it could have no base but dict.
    __slots__ = ()

    def __init__(self, fields: Mapping[str, Any], ledger: Optional[Ledger] = None, portal: Portal = _NO_PORTAL) -> None:
        super().__init__(fields, ledger)
        self.counterpart = portal

    @classmethod
    def of(cls, portal: Portal, message: AsyncMessage[T]) -> Self:
        """The one that stands for a message of ``queen``: the same, whoever asks."""
        known = getattr(message, "counterpart", None)
        if not isinstance(known, cls):
            known = message.counterpart = cls._made_of(portal, message)
            assert isinstance(known, cls)
        return known

    @classmethod
    def _made_of(cls, portal: Portal, message: AsyncMessage[T]) -> ActingMessage[T]:
        if type(message) is AsyncMessage:
            return cls(message, message.ledger, portal)
        # Imported here, since most programs do without models.
        from queen.sync.typed_message import typed_message
        from queen.typed_message import TypedFields

        assert isinstance(message, TypedFields)
        return typed_message(portal, message)

    @property
    def _portal(self) -> Portal:
        portal = self.counterpart
        assert isinstance(portal, Portal)
        return portal

    @override
    def __missing__(self, key: str) -> Any:
        return getattr(self, key) if key == "trace" else super().__missing__(key)

    @override
    def __copy__(self) -> Self:
        return type(self)(self, self._ledger, self._portal)

    @property
    def _async(self) -> AsyncMessage[T]:
        return AsyncMessage(self, self._ledger)

    def _traced(self, work: Coroutine[Any, Any, TraceResponse]) -> TraceResponse:
        """Tracing never raises, also where the client is closed."""
        try:
            return self._portal.run(work)
        except QueenError as error:
            return {"success": False, "error": str(error)}
