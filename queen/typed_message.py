"""A popped message whose payload is an instance of a model."""

from __future__ import annotations

from typing import Any, Dict, Generic, Mapping, Optional, Type

from typing_extensions import Final, Self, TypeVar, override

from queen.message import Message
from queen.message_fields import MessageFields
from queen.payloads.codec import PayloadCodec
from queen.payloads.models import codec_for
from queen.settling.ledger import Ledger

T = TypeVar("T", default=Any)

_UNREAD: Final = object()


class TypedFields(MessageFields[T], Generic[T]):
    """What is common to the typed messages of ``queen`` and of ``queen.sync``: ``message["data"]`` is the JSON of the
    wire, ``message.data`` the instance that it says.

    Args:
        fields: the message as it came over the wire.
        ledger: what was decided for the messages of the same lease.
        codec: reads the payload, when it is asked for and once.
    """

    __slots__ = ("_codec", "_instance")

    _codec: PayloadCodec[T]
    _instance: object

    def __init__(self, fields: Mapping[str, Any], ledger: Optional[Ledger], codec: PayloadCodec[T]) -> None:
        super().__init__(fields, ledger)
        self._codec = codec
        self._instance = _UNREAD

    @override
    def __copy__(self) -> Self:
        return type(self)(self, self._ledger, self._codec)

    @override
    def __reduce__(self) -> Any:
        return (_restored, (type(self), dict(self), self._codec.model))

    @property
    def codec(self) -> PayloadCodec[T]:
        """What reads the payload."""
        return self._codec

    @property
    @override
    def data(self) -> T:
        """The payload, an instance of the model: the same one each time.

        Raises:
            PayloadError: it does not fit the model.
        """
        if self._instance is _UNREAD:
            self._instance = self._codec.decode(self["data"])
        instance: T = self._instance  # type: ignore[assignment]  # what the codec read
        return instance


class TypedMessage(TypedFields[T], Message[T], Generic[T]):
    """A ``Message`` of a queue with a model."""

    __slots__ = ()


def _restored(kind: Type[TypedFields[T]], fields: Dict[str, Any], model: Type[T]) -> TypedFields[T]:
    return kind(fields, None, codec_for(model))
