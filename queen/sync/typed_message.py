"""A message of the sync client whose payload is an instance of a model."""

from __future__ import annotations

from typing import Any, Generic

from queen_sync.message import Message
from typing_extensions import Self, TypeVar, override

from queen.sync.portal import Portal
from queen.typed_message import TypedFields

T = TypeVar("T", default=Any)


class TypedMessage(TypedFields[T], Message[T], Generic[T]):
    """A ``Message`` of a queue with a model."""

    __slots__ = ()

    @override
    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied.counterpart = self.counterpart
        return copied


def typed_message(portal: Portal, message: TypedFields[T]) -> TypedMessage[T]:
    """The one that stands for a typed message of ``queen``."""
    made = TypedMessage(message, message.ledger, message.codec)
    made.counterpart = portal
    return made
