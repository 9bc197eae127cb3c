"""Windowed streams: refusals are ``{"error": text}`` at status 200, but for a body that cannot be read."""

from __future__ import annotations

import json
import sqlite3
from typing import Awaitable, Callable, Dict, List, Mapping, Optional, cast

from queen_api.models import StreamDetail, StreamSummary
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, Call, database, database_text, direct, encode
from queen.broker.routes.endpoint import Backend, Endpoint, RouteTable
from queen.broker.routes.long_poll import Search, wait
from queen.broker.store.database import Transaction
from queen.broker.v07 import fields
from queen.broker.v07.domain import streams
from queen.broker.v07.domain.streams import Definition, Stream, Window

_NOT_FOUND: Final = {"error": "Stream not found"}
_DEFAULT_TIMEOUT_MILLIS: Final = 30_000

_Body = Dict[str, object]


def _reading(
    prefix: str, status: int = 200
) -> Callable[[Callable[[Backend, Call, _Body], Awaitable[Answer]]], Endpoint]:
    """An endpoint that reads a body, and words what it refuses: with a prefix, at this status."""

    def decorated(endpoint: Callable[[Backend, Call, _Body], Awaitable[Answer]]) -> Endpoint:
        async def answer(backend: Backend, call: Call) -> Answer:
            try:
                value = call.json()
            except DirectRefusalError as refusal:
                return _unreadable(refusal.text, 400)
            try:
                return await endpoint(backend, call, fields.object_of(value))
            except (DirectRefusalError, DatabaseRefusalError) as refusal:
                return _unreadable(prefix + refusal.text, status)

        return answer

    return decorated


@_reading("Failed: ")
async def define_stream(backend: Backend, call: Call, body: _Body) -> Answer:
    """Define a stream, or replace its settings."""
    definition = _definition(body)
    if definition is None:
        return database({"error": "Missing name or namespace"})
    uuid = await backend.store.run(lambda tx: streams.define(tx, definition))
    return database({"success": True, "stream_id": uuid, "name": definition.name})


@_reading("Invalid JSON: ", 400)
async def poll_window(backend: Backend, call: Call, body: _Body) -> Answer:
    """Lease the next closed window, waiting for one."""
    name, group = fields.text(body, "streamName", ""), fields.text(body, "consumerGroup", "")
    timeout = fields.integer(body, "timeout", _DEFAULT_TIMEOUT_MILLIS)
    if not name or not group:
        return _unreadable("Missing streamName or consumerGroup", 400)
    stream = await backend.store.run(lambda tx: streams.find(tx, name))
    if stream is None:
        return database(_NOT_FOUND)
    found: Stream = stream
    search = Search(
        queue=None,
        look=lambda: _look(backend, name, group),
        give_back=streams.release,
        next_event=lambda tx, since: streams.next_expiry(tx, found, group, since),
    )
    window = await wait(backend, call, search, backend.clock.now() + timeout * 1000)
    return database(None) if window is None else database_text(_window(window))


@_reading("ACK error: ")
async def ack_window(backend: Backend, call: Call, body: _Body) -> Answer:
    """Settle a window, or give it back."""
    lease_id, success = fields.text(body, "leaseId", ""), fields.boolean(body, "success", True)
    if not lease_id:
        return database({"error": "Missing leaseId"})
    settled = await backend.store.run(lambda tx: streams.acknowledge(tx, lease_id, success=success))
    return database({"success": True, "acked": success} if settled else {"error": "Invalid or expired lease"})


@_reading("Renew error: ")
async def renew_window(backend: Backend, call: Call, body: _Body) -> Answer:
    """Set how long a lease lasts."""
    lease_id, millis = fields.text(body, "leaseId", ""), fields.integer(body, "extend_ms", 30_000)
    if not lease_id:
        return database({"error": "Missing leaseId"})
    until = await backend.store.run(lambda tx: streams.renew(tx, lease_id, millis))
    if until is None:
        return database({"error": "Lease not found or expired"})
    return database({"success": True, "lease_expires_at": timestamps.postgres(until)})


@_reading("Seek error: ")
async def seek_stream(backend: Backend, call: Call, body: _Body) -> Answer:
    """Let a group go on from a time."""
    name, group, text = (fields.text(body, key, "") for key in ("streamName", "consumerGroup", "timestamp"))
    if not name or not group or not text:
        return database({"error": "Missing required parameters"})
    moment = None if text == "-infinity" else timestamps.read(text, backend.clock.now())

    def seek(tx: Transaction) -> bool:
        stream = streams.find(tx, name)
        if stream is not None:
            streams.seek(tx, stream, group, moment)
        return stream is not None

    return database({"success": True} if await backend.store.run(seek) else _NOT_FOUND)


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


async def _look(backend: Backend, name: str, group: str) -> Optional[Window]:
    def look(tx: Transaction) -> Optional[Window]:
        # It may have been deleted or defined anew since the poll began.
        stream = streams.find(tx, name)
        return None if stream is None else streams.lease_next(tx, stream, group)

    def give_back(tx: Transaction, window: Optional[Window]) -> None:
        if window is not None:
            streams.release(tx, window)

    return await backend.store.run(look, undo=give_back)


def _definition(body: Mapping[str, object]) -> Optional[Definition]:
    name, namespace = fields.text(body, "name", ""), fields.text(body, "namespace", "")
    if not name or not namespace:
        return None
    listed = body.get("source_queue_names", [])
    if not isinstance(listed, list):
        raise fields.mistyped("array", listed)
    for queue in listed:
        if not isinstance(queue, str):
            raise fields.mistyped("string", queue)
    duration = fields.integer(body, "window_duration_ms", 60_000)
    if duration < 1:
        # The server crashes at the next poll.
        raise fields.refusal("window_duration_ms must be at least 1")
    return Definition(
        name=name,
        namespace=namespace,
        sources=cast("List[str]", listed),
        partitioned=fields.boolean(body, "partitioned", False),
        window_type=fields.text(body, "window_type", "tumbling"),
        duration_ms=duration,
        grace_ms=fields.integer(body, "window_grace_period_ms", 30_000),
        lease_ms=fields.integer(body, "window_lease_timeout_ms", 60_000),
    )


def _unreadable(text: str, status: int) -> Answer:
    return Answer(status, [(b"content-type", b"application/json")], encode({"error": text}))


def _window(window: Window) -> bytes:
    """The answer with its messages as text: payloads are stored as JSON, and need not be read to be sent."""
    start = timestamps.postgres_six(window.start) if window.aligned else timestamps.postgres(window.start)
    end = timestamps.postgres_six(window.end)
    identifier = json.dumps(f"{window.stream.uuid}:{window.key}:{start}:{end}", ensure_ascii=False)
    messages = ",".join(
        f'{{"created_at":"{timestamps.postgres(created_at)}","data":{payload},"id":"{uuid}"}}'
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
        "createdAt": timestamps.postgres(row["created_at"]),
        "updatedAt": timestamps.postgres(row["updated_at"]),
    }


def _summary(row: sqlite3.Row, sources: List[str]) -> StreamSummary:
    summary: Dict[str, object] = {
        **_detail(row),
        "sourceQueues": sources,
        "activeLeases": row["leases"],
        "consumerGroups": row["consumer_groups"],
    }
    return cast("StreamSummary", summary)
