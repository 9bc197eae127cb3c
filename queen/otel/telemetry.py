"""Spans and metrics of what a client does."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from importlib.metadata import version
from typing import Iterator, List, Optional, Sequence

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider
from typing_extensions import Final, override

from queen.hooks.events import ClientOpened, Commit, Event, Flush, LeaseLost, Pop, Process, Push, Retry, Settlement
from queen.hooks.protocol import Hooks
from queen.otel.attributes import (
    BATCH,
    DESTINATION,
    ERROR,
    GROUP,
    SYSTEM,
    Attributes,
    error_type,
    of_messages,
    of_operation,
)
from queen.otel.carrier import context_of, inject
from queen.otel.instruments import Instruments
from queen.otel.origins import Origins, links_to

# What a settlement is called, by the status that the server is told.
_SETTLING: Final = {"completed": "ack", "failed": "nack", "dlq": "dead_letter", "retry": "give_back"}
_STATUS: Final = re.compile(r"status (\d{3})\b")


class OpenTelemetry(Hooks):
    """Spans and metrics by the semantic conventions for messaging: ``Queen(url, hooks=[OpenTelemetry()])``.

    The context of a push travels with its messages, and the span of a handler is linked to that of the push. The trace
    id is the message's ``traceId``, where none was given; the span id stands behind the transaction id, where the
    client made that one. A message with an id of yours carries the trace id alone, which is no link, unless there is a
    ``payload_key``.

    One object may be given to several clients.

    Args:
        tracer_provider: makes the tracer; the global provider where nothing is said.
        meter_provider: makes the meter; the global provider where nothing is said.
        payload_key: a key that is added to pushed payloads that are objects, with the context as its value, and taken
            out of popped ones before the handler sees them. Consumers without this hook see it.

    Raises:
        TypeError, ValueError: a payload key that is no text, or is empty.
    """

    def __init__(
        self,
        *,
        tracer_provider: Optional[TracerProvider] = None,
        meter_provider: Optional[MeterProvider] = None,
        payload_key: Optional[str] = None,
    ) -> None:
        if payload_key is not None and not isinstance(payload_key, str):
            raise TypeError(f"payload_key={payload_key!r} is a {type(payload_key).__name__}; accepted is a string")
        if payload_key == "":
            raise ValueError("payload_key is empty; accepted is the key of a payload")
        own = version("queen-mq")
        self._tracer = trace.get_tracer("queen", own, tracer_provider)
        self._instruments = Instruments(meter_provider, own)
        self._payload_key = payload_key
        self._origins = Origins(payload_key)

    @override
    def opened(self, client: ClientOpened) -> None:
        self._instruments.watch(client.buffered)

    @contextmanager
    @override
    def pushing(self, push: Push) -> Iterator[None]:
        kind = "create" if push.buffered else "send"
        told = of_operation(kind, kind, push.queue, push.servers)
        attributes = {**told, **of_messages(push.items, batch=len(push.items) > 1)}
        try:
            with self._around(push, SpanKind.PRODUCER, f"{kind} {push.queue}", attributes) as span:
                inject(push.items, push.made_id, span.get_span_context(), self._payload_key)
                span.set_attributes(of_messages(push.items, batch=len(push.items) > 1))
                yield
        finally:
            if not push.buffered:
                self._instruments.sent(push, told, len(push.items))

    @contextmanager
    @override
    def flushing(self, flush: Flush) -> Iterator[None]:
        told = of_operation("send", "send", flush.queue, flush.servers)
        attributes = {**told, **of_messages(flush.items, batch=True)}
        found = (context_of(item, self._payload_key) for item in flush.items)
        links = links_to(context for context in found if context is not None)
        try:
            # A flush is of many pushes, and a child of none of them.
            with self._around(flush, SpanKind.CLIENT, f"send {flush.queue}", attributes, links, root=True):
                yield
        finally:
            self._instruments.sent(flush, told, len(flush.items))

    @contextmanager
    @override
    def popping(self, pop: Pop) -> Iterator[None]:
        started = time.time_ns()
        try:
            yield
        finally:
            told = of_operation("receive", "receive", pop.queue, pop.servers, pop.group)
            links = self._origins.take(pop.messages)
            # Made when it has ended: most long polls find nothing, and are nobody's business.
            if pop.messages or isinstance(pop.error, Exception):
                attributes = {**told, **of_messages(pop.messages, batch=True)}
                name = f"receive {pop.queue or pop.namespace or pop.task}"
                span = self._tracer.start_span(name, None, SpanKind.CLIENT, attributes, links, started)
                _note_error(span, pop)
                span.end()
            self._instruments.received(pop, told, pop.messages)

    @contextmanager
    @override
    def processing(self, process: Process) -> Iterator[None]:
        told = of_operation("process", "process", process.queue, process.servers, process.group)
        attributes = {**told, **of_messages(process.messages, batch=process.batch)}
        links = self._origins.of_messages(process.messages)
        try:
            # Each is a trace of its own: what started the consumer has ended long ago, or never will.
            name = f"process {process.queue}"
            with self._around(process, SpanKind.CONSUMER, name, attributes, links, root=True):
                yield
        finally:
            self._instruments.processed(process, told, len(process.messages))

    @contextmanager
    @override
    def settling(self, settlement: Settlement) -> Iterator[None]:
        name = _SETTLING.get(settlement.status, settlement.status)
        told = of_operation(name, "settle", settlement.queue, settlement.servers, settlement.group)
        count = len(settlement.transaction_ids)
        attributes = {**told, BATCH: count, "queen.status": settlement.status}
        links = self._origins.settled(settlement.partition_id, settlement.transaction_ids, forget=False)
        title = f"{name} {settlement.queue}" if settlement.queue is not None else name
        try:
            with self._around(settlement, SpanKind.CLIENT, title, attributes, links) as span:
                yield
                _mark_results(span, settlement)
        finally:
            self._note_outcomes(settlement, told)

    @contextmanager
    @override
    def committing(self, commit: Commit) -> Iterator[None]:
        queues = {str(item.get("queue")) for item in commit.items}
        queue = queues.pop() if len(queues) == 1 else None
        told = of_operation("commit", "send" if commit.items else "settle", queue, commit.servers)
        attributes = {**told, "queen.pushes": len(commit.items), "queen.acks": len(commit.acks)}
        kind = SpanKind.PRODUCER if commit.items else SpanKind.CLIENT
        try:
            with self._around(commit, kind, f"commit {queue}" if queue is not None else "commit", attributes) as span:
                inject(commit.items, commit.made_id, span.get_span_context(), self._payload_key)
                yield
        finally:
            self._note_commit(commit, told)

    @override
    def retrying(self, retry: Retry) -> None:
        found = _STATUS.search(retry.reason)
        # A metric must not have as many rows as there are words for a failure.
        reason = found.group(1) if found is not None else "connection"
        trace.get_current_span().add_event(
            "queen.retry", {"queen.operation": retry.operation, "queen.attempt": retry.attempt, ERROR: retry.reason}
        )
        self._instruments.retried(retry.operation, reason)

    @override
    def lease_lost(self, lost: LeaseLost) -> None:
        trace.get_current_span().add_event("queen.lease_lost", {"queen.lease": lost.lease_id, ERROR: lost.reason})
        attributes: Attributes = {SYSTEM: "queen", DESTINATION: lost.queue}
        if lost.group is not None:
            attributes[GROUP] = lost.group
        self._instruments.lost(attributes)

    @contextmanager
    def _around(
        self,
        event: Event,
        kind: SpanKind,
        name: str,
        attributes: Attributes,
        links: Sequence[Link] = (),
        *,
        root: bool = False,
    ) -> Iterator[Span]:
        """A span that is the current one meanwhile; a root keeps all of the context but the span in it."""
        parent = trace.set_span_in_context(trace.INVALID_SPAN, contexts.get_current()) if root else None
        span = self._tracer.start_span(name, parent, kind, attributes, links)
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield span
        finally:
            _note_error(span, event)
            span.end()

    def _note_commit(self, commit: Commit, told: Attributes) -> None:
        if commit.items:
            self._instruments.sent(commit, told, len(commit.items))
        else:
            self._instruments.operated(commit, told)
        if commit.error is None:
            for ack in commit.acks:
                settled = of_operation("commit", "settle", ack.queue, commit.servers)
                self._instruments.settled(settled, _outcome(ack.status, dead=ack.status == "dlq"), 1)

    def _note_outcomes(self, settlement: Settlement, told: Attributes) -> None:
        self._instruments.operated(settlement, told)
        results = settlement.results
        if results is None:
            return
        outcomes: List[str] = [
            _outcome(settlement.status, dead=result["dlq"]) if result["success"] else "refused" for result in results
        ]
        for outcome in dict.fromkeys(outcomes):
            self._instruments.settled(told, outcome, outcomes.count(outcome))
        if "refused" not in outcomes:
            self._origins.settled(settlement.partition_id, settlement.transaction_ids, forget=True)


def _mark_results(span: Span, settlement: Settlement) -> None:
    dead = sum(result["dlq"] for result in settlement.results or ())
    if dead:
        span.set_attribute("queen.dead_letters", dead)
    refused = next((result["error"] for result in settlement.results or () if not result["success"]), None)
    if refused is not None:
        span.set_status(Status(StatusCode.ERROR, refused))


def _outcome(status: str, *, dead: bool) -> str:
    if dead:
        return "dead_letter"
    return {"retry": "given_back"}.get(status, status)


def _note_error(span: Span, event: Event) -> None:
    if event.error is None:
        return
    span.set_attribute(ERROR, error_type(event.error))
    # What was cancelled has not failed.
    if isinstance(event.error, Exception):
        span.record_exception(event.error)
        span.set_status(Status(StatusCode.ERROR, str(event.error)))
