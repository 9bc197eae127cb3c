"""Windowed streams: defined, and their windows leased, renewed and settled."""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Mapping, Optional, Sequence, cast

import attrs
from queen_api.api import streams
from queen_api.models import DefineStreamAnswer
from typing_extensions import Final

from queen import logs
from queen.errors import ServerRefusedError
from queen.transport.ring import affinity_key
from queen.transport.transport import Transport
from queen.types import WindowResponse

# The server forgets a request after about 120 seconds.
_POLL_MILLIS: Final = 30_000
NO_STREAM: Final = "Stream not found"


@attrs.frozen(kw_only=True)
class StreamDefinition:
    """A windowed stream; times in milliseconds.

    Attributes:
        name: the stream's name.
        namespace: shown in listings.
        sources: the queues whose messages are windowed.
        partitioned: whether each partition name has windows of its own.
        duration_millis: how long each window is.
        grace_millis: how long after its end a window is closed.
        lease_millis: how long a consumer has for a window.
    """

    name: str
    namespace: str
    sources: Sequence[str] = ()
    partitioned: bool = False
    duration_millis: int = 60_000
    grace_millis: int = 30_000
    lease_millis: int = 60_000


@attrs.frozen
class WindowSource:
    """One group's place in a stream."""

    stream: str
    group: str

    @property
    def affinity(self) -> str:
        """The affinity key, so that polls and acks of a group go to one server."""
        return affinity_key(self.stream, None, self.group)


async def define_stream(transport: Transport, definition: StreamDefinition) -> DefineStreamAnswer:
    """Define a stream, or replace the settings of one.

    The server passes over source queues that do not exist, and takes in none that are created later: those are
    logged as a warning.

    Returns:
        ``success``, ``stream_id`` and ``name``.

    Raises:
        UnsupportedByServerError: the server has no windowed streams.
        QueenError: the stream was not defined.
    """
    answer = await transport.send(
        streams.define_stream(
            name=definition.name,
            namespace=definition.namespace,
            source_queue_names=list(definition.sources),
            partitioned=definition.partitioned,
            window_type="tumbling",
            window_duration_ms=definition.duration_millis,
            window_grace_period_ms=definition.grace_millis,
            window_lease_timeout_ms=definition.lease_millis,
        )
    )
    missing = await _missing_sources(transport, definition)
    if missing:
        logs.event(logging.WARNING, "StreamBuilder.define", stream=definition.name, sourcesThatDoNotExist=missing)
    return answer


async def stream_settings(transport: Transport, name: str) -> StreamDefinition:
    """The settings of a stream, without its sources.

    Raises:
        ServerRefusedError: there is no such stream.
        UnsupportedByServerError: the server has no windowed streams.
        QueenError: the transport failed.
    """
    try:
        row = cast("Mapping[str, Any]", await transport.send(streams.get_stream(stream=name)))
    except ServerRefusedError as refusal:
        if NO_STREAM not in refusal.words:
            raise
        words = f"{NO_STREAM}: {name!r}; define it with queen.stream({name!r}, ...).sources([...]).define()"
        raise ServerRefusedError(operation="get_stream", status=refusal.status, words=words) from None
    return StreamDefinition(
        name=name,
        namespace=row["namespace"],
        partitioned=row["partitioned"],
        duration_millis=row["windowDurationMs"],
        grace_millis=row["windowGracePeriodMs"],
        lease_millis=row["windowLeaseTimeoutMs"],
    )


async def poll_window(transport: Transport, source: WindowSource) -> Optional[Dict[str, Any]]:
    """Lease the next closed window, waiting for one; None when none came in time.

    Raises:
        QueenError: the poll failed.
    """
    request = streams.poll_window(stream_name=source.stream, consumer_group=source.group, timeout=_POLL_MILLIS)
    answer = await transport.poll(request, seconds=_POLL_MILLIS / 1000, affinity=source.affinity)
    return None if answer is None else cast("Dict[str, Any]", answer["window"])


async def settle_window(transport: Transport, source: WindowSource, lease_id: str, *, success: bool) -> WindowResponse:
    """Let the group go on behind a window, or give the window back.

    Raises:
        QueenError: the transport failed; a refusal by the server (a lease that is over) is in the result.
    """
    request = streams.ack_window(lease_id=lease_id, success=success)
    answer = await transport.exchange(request, affinity=source.affinity)
    response = _response(answer.value)
    # The repeat of an ack whose answer was lost finds no lease any more.
    return {"success": True, "error": None, "uncertain": True} if answer.repeated and response["error"] else response


async def renew_window(transport: Transport, source: WindowSource, lease_id: str, millis: int) -> WindowResponse:
    """Let the lease of a window end so long from now.

    Raises:
        QueenError: the transport failed; a refusal by the server (a lease that is over) is in the result.
    """
    request = streams.renew_window(lease_id=lease_id, extend_ms=millis)
    return _response(await transport.send(request, affinity=source.affinity))


async def seek_stream(transport: Transport, source: WindowSource, timestamp: str) -> None:
    """Let a group go on from a time.

    Raises:
        ValueError: the stream is partitioned: the server says yes, and moves nothing.
        QueenError: the group was not moved.
    """
    if (await stream_settings(transport, source.stream)).partitioned:
        raise ValueError(
            f"the stream {source.stream!r} is partitioned, and no server moves such a stream; "
            "to start over, consume it with a new group"
        )
    request = streams.seek_stream(stream_name=source.stream, consumer_group=source.group, timestamp=timestamp)
    await transport.send(request, affinity=source.affinity)


async def _missing_sources(transport: Transport, definition: StreamDefinition) -> List[str]:
    answer = await transport.send(streams.list_streams())
    for stream in answer["streams"]:
        if stream["name"] == definition.name:
            return [queue for queue in definition.sources if queue not in stream["sourceQueues"]]
    return []


def _response(answer: object) -> WindowResponse:
    error = cast("Mapping[str, object]", answer).get("error")
    words = error if isinstance(error, str) else None
    return {"success": words is None, "error": words}
