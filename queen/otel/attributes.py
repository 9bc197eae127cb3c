"""Attributes of spans and metrics, by the semantic conventions for messaging."""

from __future__ import annotations

import functools
from typing import Dict, Mapping, Optional, Sequence, Tuple, Union
from urllib.parse import urlsplit

from typing_extensions import Final

Value = Union[str, int, bool]
Attributes = Dict[str, Value]

SYSTEM: Final = "messaging.system"
OPERATION: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
DESTINATION: Final = "messaging.destination.name"
PARTITION: Final = "messaging.destination.partition.id"
GROUP: Final = "messaging.consumer.group.name"
BATCH: Final = "messaging.batch.message_count"
MESSAGE_ID: Final = "messaging.message.id"
ERROR: Final = "error.type"


def of_operation(
    name: str, kind: str, queue: Optional[str], servers: Tuple[str, ...], group: Optional[str] = None
) -> Attributes:
    """What every span and metric of an operation has.

    Args:
        name: what the operation is called.
        kind: ``create``, ``send``, ``receive``, ``process`` or ``settle``.
        queue: the queue, where there is one.
        servers: the client's servers.
        group: the consumer group.
    """
    attributes: Attributes = {SYSTEM: "queen", OPERATION: name, OPERATION_TYPE: kind, **_address(servers)}
    if queue is not None:
        attributes[DESTINATION] = queue
    if group is not None:
        attributes[GROUP] = group
    return attributes


def of_messages(messages: Sequence[Mapping[str, object]], *, batch: bool) -> Attributes:
    """What a span of messages has beside: their partition, and their id or number."""
    attributes: Attributes = {}
    partitions = {message.get("partition", "Default") for message in messages}
    if len(partitions) == 1:
        attributes[PARTITION] = str(partitions.pop())
    if batch or len(messages) != 1:
        attributes[BATCH] = len(messages)
    else:
        attributes[MESSAGE_ID] = str(messages[0]["transactionId"])
    return attributes


def error_type(error: BaseException) -> str:
    """The name of an error's class, as the conventions want it."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


# Of several servers, nobody tells which one answered.
@functools.lru_cache(maxsize=32)
def _address(servers: Tuple[str, ...]) -> Mapping[str, Value]:
    if len(servers) != 1 or not servers[0].startswith(("http://", "https://")):
        return {}
    parts = urlsplit(servers[0])
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"server.address": parts.hostname or "", "server.port": port}
