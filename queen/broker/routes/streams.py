"""Windowed streams, as server 0.7 has them: refusals are ``{"error": text}`` at status 200."""

from __future__ import annotations

import functools
import json
import sqlite3
from typing import Dict, List, Mapping, Optional, Union, cast

from queen_api.models import StreamDetail, StreamSummary
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import streams
from queen.broker.domain.streams import Definition, Stream, Window
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, Call, database, database_text, direct
from queen.broker.polls import Departure
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.store.database import Transaction

_NOT_FOUND: Final = {"error": "Stream not found"}
_LARGEST: Final = 2**31 - 1
_KINDS: Final[Mapping[type, str]] = {
    str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object", type(None): "null",
}  # fmt: skip


class _WrongTypeError(Exception):
    """A field of the wrong type, in the words of the server's JSON library."""


async def define_stream(backend: Backend, call: Call) -> Answer:
    """Define a stream, or replace its settings."""
    try:
        definition = _definition(_fields(call))
        if definition is None:
            return database({"error": "Missing name or namespace"})
        uuid = await backend.store.run(lambda tx: streams.define(tx, definition))
    except (_WrongTypeError, DatabaseRefusalError) as refusal:
        return database({"error": f"Failed: {_words(refusal)}"})
    return database({"success": True, "stream_id": uuid, "name": definition.name})


async def poll_window(backend: Backend, call: Call) -> Answer:
    """Lease the next closed window, waiting for one."""
    try:
        fields = _fields(call)
        name, group = _text(fields, "streamName"), _text(fields, "consumerGroup")
        timeout = _integer(fields, "timeout", 30_000)
    except _WrongTypeError as refusal:
        raise DirectRefusalError(400, f"Invalid JSON: {refusal}") from None
    if not name or not group:
        raise DirectRefusalError(400, "Missing streamName or consumerGroup")
    stream = await backend.store.run(lambda tx: streams.find(tx, name))
    if stream is None:
        return database(_NOT_FOUND)
    window = await _poll(backend, call, stream, group, backend.clock.now() + timeout * 1000)
    return database(None) if window is None else database_text(_window(window))


async def ack_window(backend: Backend, call: Call) -> Answer:
    """Settle a window, or give it back."""
    try:
        fields = _fields(call)
        lease_id, success = _text(fields, "leaseId"), _boolean(fields, "success", True)
        if not lease_id:
            return database({"error": "Missing leaseId"})
        settled = await backend.store.run(lambda tx: streams.acknowledge(tx, lease_id, success=success))
    except (_WrongTypeError, DatabaseRefusalError) as refusal:
        return database({"error": f"ACK error: {_words(refusal)}"})
    return database({"success": True, "acked": success} if settled else {"error": "Invalid or expired lease"})


async def renew_window(backend: Backend, call: Call) -> Answer:
    """Set how long a lease lasts."""
    try:
        fields = _fields(call)
        lease_id, millis = _text(fields, "leaseId"), _integer(fields, "extend_ms", 30_000)
        if not lease_id:
            return database({"error": "Missing leaseId"})
        until = await backend.store.run(lambda tx: streams.renew(tx, lease_id, millis))
    except (_WrongTypeError, DatabaseRefusalError) as refusal:
        return database({"error": f"Renew error: {_words(refusal)}"})
    if until is None:
        return database({"error": "Lease not found or expired"})
    return database({"success": True, "lease_expires_at": timestamps.pg(until)})


async def seek_stream(backend: Backend, call: Call) -> Answer:
    """Let a group go on from a time."""
    try:
        fields = _fields(call)
        name, group, text = (_text(fields, key) for key in ("streamName", "consumerGroup", "timestamp"))
        if not name or not group or not text:
            return database({"error": "Missing required parameters"})
        moment = None if text == "-infinity" else timestamps.read(text, backend.clock.now())

        def seek(tx: Transaction) -> bool:
            stream = streams.find(tx, name)
            if stream is not None:
                streams.seek(tx, stream, group, moment)
            return stream is not None

        found = await backend.store.run(seek)
    except (_WrongTypeError, DatabaseRefusalError) as refusal:
        return database({"error": f"Seek error: {_words(refusal)}"})
    return database({"success": True} if found else _NOT_FOUND)


async def list_streams(backend: Backend, call: Call) -> Answer:
    """All streams."""

    def read(tx: Transaction) -> List[StreamSummary]:
        return [_summary(row, streams.sources(tx, Stream(row))) for row in streams.listing(tx)]

    return direct({"streams": await backend.store.run(read)})


async def get_stream_stats(backend: Backend, call: Call) -> Answer:
    """What all streams do."""
    return direct(await backend.store.run(streams.stats))


async def get_stream(backend: Backend, call: Call) -> Answer:
    """One stream."""
    name = call.path["stream"]
    stream = await backend.store.run(lambda tx: streams.find(tx, name))
    return direct(_NOT_FOUND if stream is None else _detail(stream.row))


async def delete_stream(backend: Backend, call: Call) -> Answer:
    """Delete a stream."""
    name = call.path["stream"]
    deleted = await backend.store.run(lambda tx: streams.delete(tx, name))
    return direct({"success": True, "message": "Stream deleted successfully"} if deleted else _NOT_FOUND)


async def list_stream_consumers(backend: Backend, call: Call) -> Answer:
    """The groups of a stream: the server's own query for them fails."""
    name = call.path["stream"]
    stream = await backend.store.run(lambda tx: streams.find(tx, name))
    failure = {"error": 'Query failed: ERROR:  column "last_acked_at" does not exist\n'}
    return direct(_NOT_FOUND if stream is None else failure)


ROUTES: RouteTable = [
    ("POST", "/api/v1/stream/define", define_stream),
    ("POST", "/api/v1/stream/poll", poll_window),
    ("POST", "/api/v1/stream/ack", ack_window),
    ("POST", "/api/v1/stream/renew-lease", renew_window),
    ("POST", "/api/v1/stream/seek", seek_stream),
    ("GET", "/api/v1/resources/streams", list_streams),
    ("GET", "/api/v1/resources/streams/stats", get_stream_stats),
    ("GET", "/api/v1/resources/streams/{stream}", get_stream),
    ("DELETE", "/api/v1/resources/streams/{stream}", delete_stream),
    ("GET", "/api/v1/resources/streams/{stream}/consumers", list_stream_consumers),
]


async def _poll(backend: Backend, call: Call, stream: Stream, group: str, deadline: int) -> Optional[Window]:
    ticket = backend.polls.enter(None)
    departure: Optional[Departure] = None

    def look(tx: Transaction) -> Optional[Window]:
        # It may have been deleted or defined anew meanwhile.
        current = streams.find(tx, stream.row["name"])
        return None if current is None else streams.lease_next(tx, current, group)

    def give_back(tx: Transaction, window: Optional[Window]) -> None:
        if window is not None:
            streams.release(tx, window)

    try:
        while True:
            window = await backend.store.run(look, undo=give_back)
            if window is not None and departure is not None and departure.gone:
                await backend.store.run(functools.partial(streams.release, window=window))
                return None
            if window is not None or backend.clock.now() >= deadline or backend.polls.closed:
                return window
            if departure is None:
                departure = Departure(call.receive, ticket.wake)
            expiry = await backend.store.run(lambda tx: streams.next_expiry(tx, stream, group))
            await backend.polls.wait(ticket, deadline if expiry is None else min(deadline, expiry))
            ticket.renew()
            if departure.gone or backend.polls.closed:
                return None
    finally:
        backend.polls.leave(ticket)
        if departure is not None:
            departure.close()


def _definition(fields: Mapping[str, object]) -> Optional[Definition]:
    name, namespace = _text(fields, "name"), _text(fields, "namespace")
    if not name or not namespace:
        return None
    listed = fields.get("source_queue_names", [])
    if not isinstance(listed, list):
        raise _WrongTypeError(_wrong_type("array", listed))
    for queue in listed:
        if not isinstance(queue, str):
            raise _WrongTypeError(_wrong_type("string", queue))
    duration = _integer(fields, "window_duration_ms", 60_000)
    if not 1 <= duration <= _LARGEST:
        # The server crashes at the next poll.
        raise _WrongTypeError("window_duration_ms must be at least 1")
    return Definition(
        name=name,
        namespace=namespace,
        sources=cast("List[str]", listed),
        partitioned=_boolean(fields, "partitioned", False),
        window_type=_text(fields, "window_type", "tumbling"),
        duration_ms=duration,
        grace_ms=_integer(fields, "window_grace_period_ms", 30_000),
        lease_ms=_integer(fields, "window_lease_timeout_ms", 60_000),
    )


def _fields(call: Call) -> Dict[str, object]:
    value = call.json()
    if not isinstance(value, dict):
        kind = _KINDS.get(type(value), "null")
        raise _WrongTypeError(f"[json.exception.type_error.306] cannot use value() with {kind}")
    return cast("Dict[str, object]", value)


def _text(fields: Mapping[str, object], key: str, default: str = "") -> str:
    value = fields.get(key, default)
    if not isinstance(value, str):
        raise _WrongTypeError(_wrong_type("string", value))
    return value


def _boolean(fields: Mapping[str, object], key: str, default: bool) -> bool:
    value = fields.get(key, default)
    if not isinstance(value, bool):
        raise _WrongTypeError(_wrong_type("boolean", value))
    return value


def _integer(fields: Mapping[str, object], key: str, default: int) -> int:
    value = fields.get(key, default)
    if not isinstance(value, (int, float)):
        raise _WrongTypeError(_wrong_type("number", value))
    return max(-_LARGEST, min(int(value), _LARGEST))


def _wrong_type(wanted: str, value: object) -> str:
    kind = _KINDS.get(type(value), "null")
    return f"[json.exception.type_error.302] type must be {wanted}, but is {kind}"


def _words(refusal: Union[_WrongTypeError, DatabaseRefusalError]) -> str:
    return refusal.text if isinstance(refusal, DatabaseRefusalError) else str(refusal)


def _window(window: Window) -> bytes:
    """The answer with its messages as text: payloads are stored as JSON, and need not be read to be sent."""
    start = timestamps.pg6(window.start) if window.aligned else timestamps.pg(window.start)
    end = timestamps.pg6(window.end)
    identifier = json.dumps(f"{window.stream.uuid}:{window.key}:{start}:{end}", ensure_ascii=False)
    messages = ",".join(
        f'{{"created_at":"{timestamps.pg(created_at)}","data":{payload},"id":"{uuid}"}}'
        for uuid, created_at, payload in window.messages
    )
    return (
        f'{{"window":{{"end":"{end}","id":{identifier},"key":{json.dumps(window.key, ensure_ascii=False)},'
        f'"leaseId":"{window.lease_id}","messages":[{messages}],"start":"{start}"}}}}'
    ).encode()


def _detail(row: sqlite3.Row) -> StreamDetail:
    return {
        "id": row["uuid"],
        "name": row["name"],
        "namespace": row["namespace"],
        "partitioned": bool(row["partitioned"]),
        "windowType": row["window_type"],
        "windowDurationMs": row["duration_ms"],
        "windowGracePeriodMs": row["grace_ms"],
        "windowLeaseTimeoutMs": row["lease_ms"],
        "createdAt": timestamps.pg(row["created_at"]),
        "updatedAt": timestamps.pg(row["updated_at"]),
    }


def _summary(row: sqlite3.Row, sources: List[str]) -> StreamSummary:
    summary: Dict[str, object] = {
        **_detail(row),
        "sourceQueues": sources,
        "activeLeases": row["leases"],
        "consumerGroups": row["consumer_groups"],
    }
    return cast("StreamSummary", summary)
