"""A windowed stream: ``queen.stream("user-events", "analytics").sources([...]).tumbling_time(60).define()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Union

import attrs

from queen import validation
from queen.operations.streams import StreamDefinition, define_stream
from queen.transport.transport import Transport

if TYPE_CHECKING:
    from queen_api.models import DefineStreamAnswer

Seconds = Union[int, float]


class StreamBuilder:
    """Collects what is said of a stream. Each method returns a new builder and leaves this one as it was."""

    def __init__(self, transport: Transport, definition: StreamDefinition) -> None:
        self._transport = transport
        self._definition = definition

    def sources(self, queues: Iterable[str]) -> StreamBuilder:
        """The queues whose messages are windowed. They must exist when the stream is defined."""
        if isinstance(queues, (str, bytes)) or not isinstance(queues, Iterable):
            raise validation.wrong_type("sources", queues, "a list of queue names")
        names = tuple(validation.text(f"sources[{place}]", queue) for place, queue in enumerate(queues))
        return self._with(attrs.evolve(self._definition, sources=names))

    def partitioned(self, enabled: bool = True) -> StreamBuilder:
        """Whether each partition name has windows of its own; otherwise there is one sequence for all."""
        return self._with(attrs.evolve(self._definition, partitioned=validation.boolean("enabled", enabled)))

    def tumbling_time(self, seconds: Seconds) -> StreamBuilder:
        """How long each window is: 60 seconds where nothing is said. Windows begin at multiples of it since 1970."""
        return self._with(attrs.evolve(self._definition, duration_millis=_millis("tumbling_time", seconds, 1)))

    def grace_period(self, seconds: Seconds) -> StreamBuilder:
        """How long after its end a window still waits for late messages: 30 seconds where nothing is said.

        The time is that of messages, and does not pass by itself: a window is closed when each source queue that ever
        had a message has one that is so much newer than the window's end.
        """
        return self._with(attrs.evolve(self._definition, grace_millis=_millis("grace_period", seconds, 0)))

    def lease_timeout(self, seconds: Seconds) -> StreamBuilder:
        """How long a consumer has for a window before others get it: 60 seconds where nothing is said.

        It is renewed while the callback runs.
        """
        return self._with(attrs.evolve(self._definition, lease_millis=_millis("lease_timeout", seconds, 1)))

    async def define(self) -> DefineStreamAnswer:
        """Define the stream, or replace the settings of one of this name; its sources are only added to.

        Returns:
            ``success``, ``stream_id`` and ``name``.

        Raises:
            ValueError: no source was named.
            UnsupportedByServerError: the server has no windowed streams (0.15).
            QueenError: the stream was not defined.
        """
        if not self._definition.sources:
            raise ValueError("a stream needs queues whose messages it windows; say sources(['orders'])")
        return await define_stream(self._transport, self._definition)

    def _with(self, definition: StreamDefinition) -> StreamBuilder:
        return StreamBuilder(self._transport, definition)


def _millis(argument: str, seconds: object, minimum: int) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise validation.wrong_type(argument, seconds, "a number of seconds")
    millis = round(seconds * 1000) if seconds == seconds and abs(seconds) < validation.MAX_INTEGER else -1
    if not minimum <= millis <= validation.MAX_INTEGER:
        raise ValueError(
            f"{argument}={validation.shown(seconds)} is out of range; "
            f"accepted are {minimum / 1000:g} to 2147483 seconds"
        )
    return millis
