"""Acks of messages as users hold them: one or many, popped or rebuilt from JSON."""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union, cast

from typing_extensions import Final

from queen import validation
from queen.message_fields import MessageFields
from queen.settling.acks import LeaseKey, ack_result
from queen.settling.decision import Decision, decision, reason_of
from queen.settling.ledger import Ledger
from queen.settling.renewal import DEFAULT_SECONDS, renew_lease
from queen.settling.settler import Settler
from queen.transport.ring import QUEUE_MODE
from queen.transport.transport import Transport
from queen.types import AckResponse, RenewResponse

AnyMessage = Union[MessageFields, Mapping[str, object]]

_CONTEXT_KEYS: Final = ("error", "group", "consumerGroup", "consumer_group")
_UNMARKED: Final = "left alone: neither a status was given nor the message marked with _status"


async def acknowledge(
    settler: Settler,
    messages: Sequence[AnyMessage],
    status: object = None,
    context: Optional[Mapping[str, object]] = None,
) -> List[AckResponse]:
    """Acknowledge messages.

    Args:
        settler: sends the acks.
        messages: popped messages, or dicts with ``transactionId``, ``partitionId``, ``leaseId`` and ``consumerGroup``.
        status: for all of them; a message's own ``_status`` goes before it. None leaves unmarked messages alone.
        context: ``error``, the reason of a failure (a message's own ``_error`` goes before it), and ``group``, the
            consumer group of messages that were not popped by a client.

    Returns:
        One result for each message, in the order given.

    Raises:
        TypeError, ValueError: a status, a context or a message that is not accepted.
        QueenError: the transport failed.
    """
    error, group = checked_context(context)
    batches: Dict[Ledger, Dict[str, Decision]] = {}
    places: List[Tuple[Optional[Ledger], str]] = []
    statuses = [_checked(message).get("_status", status) for message in messages]
    decided = [message for message, own_status in zip(messages, statuses) if own_status is not None]
    adopted = _adopt(settler, decided, group)
    for message, own_status in zip(messages, statuses):
        transaction_id = _required(message, "transactionId")
        if own_status is None:
            places.append((None, transaction_id))
            continue
        ledger = _ledger_of(message) or adopted[_lease_of(message, group)]
        if not ledger.knows(transaction_id):
            raise ValueError(f"the message has another 'transactionId' than it was popped with: {transaction_id!r}")
        own_error = message.get("_error")
        reason = _reason(own_error) if own_error is not None else error
        batches.setdefault(ledger, {})[transaction_id] = decision(own_status, reason)
        places.append((ledger, transaction_id))
    results = {ledger: await ledger.settle(decisions) for ledger, decisions in batches.items()}
    return [
        results[place][transaction_id] if place is not None else ack_result(transaction_id, _UNMARKED)
        for place, transaction_id in places
    ]


async def renew(
    transport: Transport, leases: Sequence[Union[str, AnyMessage]], seconds: int = DEFAULT_SECONDS
) -> List[RenewResponse]:
    """Renew leases, each once however many messages are under it.

    Args:
        transport: sends the renewals.
        leases: messages or lease ids.
        seconds: how long from now each lease shall last at least.

    Returns:
        One result for each of them, in the order given.

    Raises:
        TypeError, ValueError: something that is neither a message nor a lease id.
        QueenError: the transport failed.
    """
    validation.integer("seconds", seconds, minimum=1)
    wanted = [_lease_id(lease) for lease in _listed("message_or_lease_id", leases, "a message, a lease id, or a list")]
    renewed: Dict[str, RenewResponse] = {}
    for lease_id, affinity in wanted:
        if lease_id not in renewed:
            renewed[lease_id] = await renew_lease(transport, lease_id, seconds=seconds, affinity=affinity)
    return [renewed[lease_id] for lease_id, _ in wanted]


def message_list(argument: str, messages: object) -> List[AnyMessage]:
    """Several messages, as a list.

    Args:
        argument: what they were given as.
        messages: what was given.

    Raises:
        TypeError: what is given is no list of messages.
    """
    return cast("List[AnyMessage]", _listed(argument, messages, "a popped message, its dict, or a list of them"))


def lease_key(message: AnyMessage, group: Optional[str] = None) -> LeaseKey:
    """The lease of a message, popped or rebuilt from JSON."""
    ledger = _ledger_of(message)
    return ledger.lease if ledger is not None else _lease_of(message, group)


def _adopt(settler: Settler, messages: Sequence[AnyMessage], group: Optional[str]) -> Dict[LeaseKey, Ledger]:
    leases: Dict[LeaseKey, List[str]] = {}
    for message in messages:
        if _ledger_of(message) is None:
            leases.setdefault(_lease_of(message, group), []).append(_required(message, "transactionId"))
    # A message that stands twice in the list is one message.
    return {lease: Ledger(settler, lease, list(dict.fromkeys(found)), partial=True) for lease, found in leases.items()}


def _listed(argument: str, values: object, accepted: str) -> List[object]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise validation.wrong_type(argument, values, accepted)
    return list(values)


def _ledger_of(message: AnyMessage) -> Optional[Ledger]:
    return message.ledger if isinstance(message, MessageFields) else None


def _lease_of(message: AnyMessage, group: Optional[str]) -> LeaseKey:
    partition_id = _required(message, "partitionId")
    lease_id, queue = message.get("leaseId"), message.get("queue")
    own_group = group if group is not None else message.get("consumerGroup")
    return LeaseKey(
        partition_id=partition_id,
        lease_id=lease_id if isinstance(lease_id, str) and lease_id else None,
        group=own_group if isinstance(own_group, str) and own_group != QUEUE_MODE else None,
        queue=queue if isinstance(queue, str) else None,
    )


def _required(message: object, key: str) -> str:
    value = _checked(message).get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the message has no {key!r}; accepted is a popped message or its dict")
    return value


def _checked(message: object) -> Mapping[str, object]:
    if not isinstance(message, Mapping):
        raise validation.wrong_type("message", message, "a popped message or its dict")
    return cast("Mapping[str, object]", message)


def _lease_id(lease: object) -> Tuple[str, Optional[str]]:
    if isinstance(lease, str):
        return validation.path_name("lease_id", lease), None
    if not isinstance(lease, Mapping):
        raise validation.wrong_type("message_or_lease_id", lease, "a message or a lease id")
    message = cast("AnyMessage", lease)
    ledger = _ledger_of(message)
    if ledger is not None and ledger.lease.lease_id is not None:
        return ledger.lease.lease_id, ledger.lease.affinity
    return _required(message, "leaseId"), None


def checked_context(context: Optional[Mapping[str, object]]) -> Tuple[Optional[str], Optional[str]]:
    """The reason of a failure and the consumer group of a context.

    Raises:
        TypeError, ValueError: no mapping, or an unknown key.
    """
    if context is None:
        return None, None
    if not isinstance(context, Mapping):
        raise validation.wrong_type("context", context, "a mapping")
    for key in context:
        if key not in _CONTEXT_KEYS:
            known = ", ".join(repr(name) for name in _CONTEXT_KEYS)
            raise ValueError(
                f"unknown context key {validation.shown(key)}{validation.nearest(key, _CONTEXT_KEYS)}; "
                f"known are {known}"
            )
    error = context.get("error")
    group = next((context[key] for key in _CONTEXT_KEYS[1:] if context.get(key) is not None), None)
    return (None if error is None else _reason(error)), (None if group is None else validation.text("group", group))


def _reason(error: object) -> str:
    return error if isinstance(error, str) else reason_of(error)
