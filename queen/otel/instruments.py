"""The metrics."""

from __future__ import annotations

import time
from typing import Callable, Iterable, List, Mapping, Optional, Sequence, Set

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter
from typing_extensions import Final

from queen.hooks.events import Event
from queen.otel.attributes import DESTINATION, ERROR, OPERATION, SYSTEM, Attributes, error_type
from queen.timestamps import moment_of

# What the conventions recommend for durations in seconds.
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_AGES: Final = (0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 86400)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)

Depth = Callable[[], Optional[Mapping[str, int]]]


class Instruments:
    """The metrics of all clients that share one ``OpenTelemetry``.

    Args:
        provider: makes the meter; None for the global one.
        version: of this library.
    """

    def __init__(self, provider: Optional[MeterProvider], version: str) -> None:
        meter = get_meter("queen", version, provider)
        self._sent = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Messages that were sent to a server."
        )
        self._consumed = meter.create_counter(
            "messaging.client.consumed.messages", "{message}", "Messages that were popped."
        )
        self._settled = meter.create_counter(
            "queen.client.settled.messages", "{message}", "Messages that were settled, by outcome."
        )
        self._retries = meter.create_counter("queen.client.retries", "{request}", "Requests that were sent once more.")
        self._lost = meter.create_counter("queen.client.lost_leases", "{lease}", "Leases that could not be renewed.")
        self._duration = meter.create_histogram(
            "messaging.client.operation.duration",
            "s",
            "How long operations took.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._processing = meter.create_histogram(
            "messaging.process.duration",
            "s",
            "How long handlers took.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._sizes = meter.create_histogram(
            "queen.client.batch.size",
            "{message}",
            "How many messages one request, or one call of a handler, was for.",
            explicit_bucket_boundaries_advisory=_SIZES,
        )
        self._age = meter.create_histogram(
            "queen.client.message.age",
            "s",
            "How old messages were when they were popped.",
            explicit_bucket_boundaries_advisory=_AGES,
        )
        self._depths: List[Depth] = []
        self._known: Set[str] = set()
        meter.create_observable_gauge(
            "queen.client.buffered.messages", [self._observe], "{message}", "Messages in client-side buffers."
        )

    def watch(self, depth: Depth) -> None:
        """Look at the buffers of one more client."""
        self._depths.append(depth)

    def sent(self, event: Event, attributes: Attributes, count: int) -> None:
        """Note messages that were sent, or could not be."""
        told = _told(attributes, event)
        self._sent.add(count, told)
        self._duration.record(event.seconds or 0.0, told)
        self._sizes.record(count, _told(attributes))

    def received(self, event: Event, attributes: Attributes, messages: Sequence[Mapping[str, object]]) -> None:
        """Note messages that were popped, or a pop that failed."""
        told = _told(attributes, event)
        self._duration.record(event.seconds or 0.0, told)
        if not messages:
            return
        self._consumed.add(len(messages), told)
        self._sizes.record(len(messages), told)
        now = time.time()
        for message in messages:
            age = _age(message, now)
            if age is not None:
                self._age.record(age, told)

    def processed(self, event: Event, attributes: Attributes, count: int) -> None:
        """Note a call of a handler."""
        self._processing.record(event.seconds or 0.0, _told(attributes, event))
        self._sizes.record(count, _told(attributes))

    def operated(self, event: Event, attributes: Attributes) -> None:
        """Note an operation of which nothing is counted but how long it took."""
        self._duration.record(event.seconds or 0.0, _told(attributes, event))

    def settled(self, attributes: Attributes, outcome: str, count: int) -> None:
        """Note messages that were settled."""
        if count:
            self._settled.add(count, {**_told(attributes), "queen.outcome": outcome})

    def retried(self, operation: str, reason: str) -> None:
        """Note a request that is sent once more."""
        self._retries.add(1, {SYSTEM: "queen", OPERATION: operation, ERROR: reason})

    def lost(self, attributes: Attributes) -> None:
        """Note a lease that could not be renewed."""
        self._lost.add(1, attributes)

    def _observe(self, _: CallbackOptions) -> Iterable[Observation]:
        depths = [(depth, depth()) for depth in list(self._depths)]
        # Those of clients that are gone.
        self._depths = [depth for depth, told in depths if told is not None]
        total = dict.fromkeys(self._known, 0)
        for _depth, told in depths:
            for queue, count in (told or {}).items():
                total[queue] = total.get(queue, 0) + count
        self._known.update(total)
        return [Observation(count, {SYSTEM: "queen", DESTINATION: queue}) for queue, count in total.items()]


def _told(attributes: Attributes, event: Optional[Event] = None) -> Attributes:
    if event is None or event.error is None:
        return attributes
    return {**attributes, ERROR: error_type(event.error)}


def _age(message: Mapping[str, object], now: float) -> Optional[float]:
    try:
        return max(0.0, now - moment_of(str(message["createdAt"])).timestamp())
    except (KeyError, OverflowError, ValueError):
        return None
