"""Windowed streams: defined, and their windows leased, renewed and settled."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Callable, List, Mapping, Optional, Sequence, TypeVar

import attrs
from queen_api.api import streams
from typing_extensions import Final

from queen import logs
from queen.errors import ServerRefusedError
from queen.transport.reading import a_list, a_refusal, a_text, an_integer, an_object, read_by
from queen.transport.ring import affinity_key
from queen.transport.transport import Transport
from queen.types import WindowResponse

if TYPE_CHECKING:
    from queen_api.models import DefineStreamAnswer, PollWindowAnswer, StreamDetail, StreamList

W = TypeVar("W")

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
        return await transport.send(read_by(streams.get_stream(stream=name), _settings))
    except ServerRefusedError as refusal:
        if NO_STREAM not in refusal.words:
            raise
        words = f"{NO_STREAM}: {name!r}; define it with queen.stream({name!r}, ...).sources([...]).define()"
        raise ServerRefusedError(operation="get_stream", status=refusal.status, words=words) from None


async def poll_window(
    transport: Transport, source: WindowSource, make: Callable[[Mapping[str, Any]], W]
) -> Optional[W]:
    """Lease the next closed window, waiting for one; None when none came in time.

    Args:
        transport: sends the poll.
        source: the stream and the group.
        make: makes the window of what the server answers.

    Raises:
        QueenError: the poll failed.
    """

    def read(answer: Optional[PollWindowAnswer]) -> Optional[W]:
        return None if answer is None else make(an_object(answer["window"]))

    request = streams.poll_window(stream_name=source.stream, consumer_group=source.group, timeout=_POLL_MILLIS)
    return await transport.poll(read_by(request, read), seconds=_POLL_MILLIS / 1000, affinity=source.affinity)


async def settle_window(transport: Transport, source: WindowSource, lease_id: str, *, success: bool) -> WindowResponse:
    """Let the group go on behind a window, or give the window back.

    Raises:
        QueenError: the transport failed; a refusal by the server (a lease that is over) is in the result.
    """
    request = streams.ack_window(lease_id=lease_id, success=success)
    answer = await transport.exchange(read_by(request, _response), affinity=source.affinity)
    response = answer.value
    # The repeat of an ack whose answer was lost finds no lease any more.
    return {"success": True, "error": None, "uncertain": True} if answer.repeated and response["error"] else response


async def renew_window(transport: Transport, source: WindowSource, lease_id: str, millis: int) -> WindowResponse:
    """Let the lease of a window end so long from now.

    Raises:
        QueenError: the transport failed; a refusal by the server (a lease that is over) is in the result.
    """
    request = streams.renew_window(lease_id=lease_id, extend_ms=millis)
    return await transport.send(read_by(request, _response), affinity=source.affinity)


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
    def read(answer: StreamList) -> List[str]:
        for stream in answer["streams"]:
            if stream["name"] == definition.name:
                return [queue for queue in definition.sources if queue not in a_list(stream["sourceQueues"])]
        return []

    return await transport.send(read_by(streams.list_streams(), read))


def _settings(row: StreamDetail) -> StreamDefinition:
    return StreamDefinition(
        name=a_text(row["name"]),
        namespace=row["namespace"],
        partitioned=row["partitioned"] is not False,
        duration_millis=an_integer(row["windowDurationMs"]),
        grace_millis=an_integer(row["windowGracePeriodMs"]),
        lease_millis=an_integer(row["windowLeaseTimeoutMs"]),
    )


def _response(answer: object) -> WindowResponse:
    fields = an_object(answer)
    error = a_refusal(fields.get("error"))
    if error is None and fields.get("success") is not True:
        raise ValueError("it tells neither that this took effect nor why not")
    return {"success": error is None, "error": error}
