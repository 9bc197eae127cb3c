"""Pushes and pops of a queue with a model: instances where others have JSON."""

from __future__ import annotations

import collections.abc
from typing import Generic, Iterable, List, Optional, Sequence, Type

from typing_extensions import TypeVar

from queen import validation
from queen.identifiers import transaction_id
from queen.message import Message
from queen.operations.push import IdentifiedItem, item_list, push_item, wire_item
from queen.payloads.codec import PayloadCodec
from queen.payloads.models import codec_for
from queen.typed_message import TypedMessage

T = TypeVar("T")


class TypedPayloads(Generic[T]):
    """Reads and writes the payloads of a queue.

    Args:
        codec: does so for one.
    """

    def __init__(self, codec: PayloadCodec[T]) -> None:
        self._codec = codec

    def messages(self, popped: Sequence[Message]) -> List[Message[T]]:
        """Messages as they were popped, whose payloads are read when they are asked for."""
        return [TypedMessage(message, message.ledger, self._codec) for message in popped]

    def item_list(self, items: object) -> List[object]:
        """The items that a user gave, as a list; a single one, or an instance, needs none around it.

        Raises:
            TypeError: what is given is neither.
        """
        # Before it is iterated: models of pydantic, and others, are iterables of their fields.
        if self._is_payload(items):
            return [items]
        if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
            raise validation.wrong_type("payload", items, f"{self._accepted}, or a list of them")
        return item_list(items)

    def push_items(self, queue: str, partition: Optional[str], items: object) -> List[IdentifiedItem]:
        """The items of a push as they go over the wire, checked, each with a transaction id.

        Args:
            queue: the queue.
            partition: the partition; None for ``Default``.
            items: one item or several: instances of the model, or dicts whose ``data`` is one.

        Raises:
            TypeError, ValueError: an item that is not accepted; the message names its position.
        """
        listed = self.item_list(items)
        return [self._push_item(queue, partition, position, item) for position, item in enumerate(listed)]

    def _push_item(self, queue: str, partition: Optional[str], position: int, item: object) -> IdentifiedItem:
        where = f"items[{position}]"
        if self._is_payload(item):
            return wire_item(queue, partition, transaction_id(), self._codec.encode(where, item))
        if not isinstance(item, collections.abc.Mapping):
            raise validation.wrong_type(where, item, self._accepted)
        try:
            wire = push_item(queue, partition, position, item)
        except ValueError as error:
            if "data" in item or "payload" in item:
                raise
            raise ValueError(f"{error}; of the model {self._codec.name}, accepted is {self._accepted}") from None
        wire["payload"] = self._codec.encode(f"{where}['data']", wire["payload"])
        return wire

    def _is_payload(self, value: object) -> bool:
        """Whether a value is a payload without a dict around it. What is a dict itself is read as an item."""
        return not self._codec.of_dicts and self._codec.is_instance(value)

    @property
    def _accepted(self) -> str:
        name = self._codec.name
        if self._codec.of_dicts:
            return f"a dict whose 'data' is as {name} describes it"
        return f"an instance of {name}, or a dict whose 'data' is one"


def typed_payloads(model: Type[T]) -> TypedPayloads[T]:
    """What reads and writes the payloads of a queue with a model.

    Raises:
        TypeError: it is no model, or its library cannot use it.
        ConfigurationError: its library is not installed.
    """
    return TypedPayloads(codec_for(model))
