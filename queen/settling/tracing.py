"""Trace events of a message. Tracing never raises: a handler must not fail because its diary does."""

from __future__ import annotations

import logging
from typing import List, Mapping, Optional, cast

from queen_api.api import traces
from typing_extensions import Final

from queen import logs, validation
from queen.errors import QueenError
from queen.settling.acks import LeaseKey
from queen.transport.transport import Transport
from queen.types import TraceResponse

_KEYS: Final = {
    "data": "data",
    "eventType": "event_type",
    "event_type": "event_type",
    "traceName": "trace_name",
    "trace_name": "trace_name",
    "traceNames": "trace_name",
    "trace_names": "trace_name",
}
_LONGEST_EVENT_TYPE: Final = 100


async def record_trace(
    transport: Transport, lease: LeaseKey, transaction_id: str, event: Mapping[str, object]
) -> TraceResponse:
    """Record one event of a message.

    Args:
        transport: sends it.
        lease: whose partition and consumer group the message has.
        transaction_id: the message.
        event: ``data`` (any JSON, required), ``eventType`` (for example ``info``, ``step``, ``warning``, ``error``;
            up to 100 characters), ``traceName`` (a name, or a list of names, under which the event can be found).

    Returns:
        Whether it was recorded, and why not; a failure is logged as a warning as well.
    """
    try:
        fields = _fields(event)
        request = traces.record_trace(
            transaction_id=transaction_id,
            partition_id=lease.partition_id,
            data=fields["data"],
            event_type=cast("Optional[str]", fields.get("event_type")),
            trace_names=_names(fields.get("trace_name")),
            consumer_group=lease.group,
        )
        answer = cast("Mapping[str, object]", await transport.send(request, affinity=lease.affinity))
    except (QueenError, TypeError, ValueError) as error:
        return _failed(transaction_id, str(error))
    error_text = answer.get("error")
    if error_text is not None:
        return _failed(transaction_id, str(error_text))
    result: TraceResponse = {"success": True, "error": None}
    trace_id = answer.get("traceId")
    if isinstance(trace_id, str):
        result["traceId"] = trace_id
    return result


def _fields(event: object) -> Mapping[str, object]:
    if not isinstance(event, Mapping):
        raise validation.wrong_type("trace", event, "a mapping with the key 'data'")
    fields = {}
    for key, value in event.items():
        if key not in _KEYS:
            raise ValueError(f"unknown trace key {validation.shown(key)}{validation.nearest(key, _KEYS)}")
        fields[_KEYS[key]] = value
    validation.each_once("trace", fields, event)
    if "data" not in fields:
        raise ValueError("a trace needs the key 'data'")
    event_type = fields.get("event_type")
    if event_type is not None and len(validation.text("eventType", event_type)) > _LONGEST_EVENT_TYPE:
        raise ValueError(f"eventType has more than the {_LONGEST_EVENT_TYPE} characters that the server stores")
    return fields


def _names(value: object) -> Optional[List[str]]:
    if value is None:
        return None
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)):
        raise validation.wrong_type("traceName", value, "a name or a list of names")
    return [validation.text("traceName", name) for name in listed]


def _failed(transaction_id: str, reason: str) -> TraceResponse:
    logs.event(logging.WARNING, "Message.trace", transactionId=transaction_id, error=reason)
    return {"success": False, "error": reason}
