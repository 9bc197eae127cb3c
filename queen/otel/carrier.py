"""How the context of a push travels with its messages, which have no headers.

The trace id is the message's ``traceId``, where the user gave none: the servers' own pages show it. The span id stands
behind the transaction id, where the client made that: ``<id>;<span id>-<flags>``, or ``<id>;<traceparent>`` where the
user gave a trace id. With a payload key, both stand in the payload too.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Callable, Dict, Iterable, Mapping, Optional, cast

from opentelemetry.trace import SpanContext, TraceFlags
from typing_extensions import Final

if TYPE_CHECKING:
    from queen_api.models import PushItem

_SUFFIX: Final = re.compile(r";([0-9a-f]{16})-([0-9a-f]{2})\Z")
_TRACEPARENT: Final = re.compile(r"(?:.*;)?00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})\Z", re.DOTALL)


def inject(
    items: Iterable[PushItem], made_id: Callable[[PushItem], bool], context: SpanContext, payload_key: Optional[str]
) -> None:
    """Put a context into items that are about to be pushed. What the user gave stays as it is.

    Args:
        items: the items.
        made_id: whether the id of an item may be changed.
        context: the context; one that is not valid is not put anywhere.
        payload_key: the key of payloads that are objects; None for none.
    """
    if not context.is_valid:
        return
    trace_id = str(uuid.UUID(int=context.trace_id))
    span = f"{context.span_id:016x}-{context.trace_flags:02x}"
    traceparent = f"00-{context.trace_id:032x}-{span}"
    for item in items:
        own_trace = item.setdefault("traceId", trace_id) != trace_id
        if made_id(item):
            item["transactionId"] = f"{item.get('transactionId')};{traceparent if own_trace else span}"
        payload = item.get("payload")
        if payload_key is not None and isinstance(payload, dict) and payload_key not in payload:
            item["payload"] = {**payload, payload_key: traceparent}


def taken_from_payload(message: Mapping[str, object], payload_key: str) -> Optional[SpanContext]:
    """The context in a popped payload, which is taken out of it; None where there is none."""
    data = message.get("data")
    if not isinstance(data, dict):
        return None
    payload = cast("Dict[str, object]", data)
    context = _parsed(payload.get(payload_key))
    if context is not None:
        del payload[payload_key]
    return context


def context_of(message: Mapping[str, object], payload_key: Optional[str] = None) -> Optional[SpanContext]:
    """The context that a message carries, popped or about to be pushed; None where it cannot be told."""
    payload = message.get("payload")
    if payload_key is not None and isinstance(payload, dict):
        context = _parsed(cast("Dict[str, object]", payload).get(payload_key))
        if context is not None:
            return context
    identifier, trace_id = message.get("transactionId"), message.get("traceId")
    if not isinstance(identifier, str):
        return None
    suffix = _SUFFIX.search(identifier)
    if suffix is None or not isinstance(trace_id, str):
        return _parsed(identifier)
    return _parsed(f"00-{trace_id.replace('-', '')}-{suffix.group(1)}-{suffix.group(2)}")


def _parsed(written: object) -> Optional[SpanContext]:
    found = _TRACEPARENT.match(written) if isinstance(written, str) else None
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return context if context.is_valid else None
