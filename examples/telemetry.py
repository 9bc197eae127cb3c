"""Telemetry: OpenTelemetry's spans, and a hook of one's own that counts.

The handler's span is linked to the one in which its message was pushed, though another program may have done that, days
ago: the context travels with the message.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections import Counter
from contextlib import contextmanager
from typing import Iterator

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from queen import Hooks, Message, Queen
from queen.hooks import Process, Retry
from queen.otel import OpenTelemetry


class Counts(Hooks):
    """What a library for metrics would be told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    @contextmanager
    def processing(self, process: Process) -> Iterator[None]:
        try:
            yield
        finally:
            self.counts["failed" if process.error else "handled"] += len(process.messages)

    def retrying(self, retry: Retry) -> None:
        self.counts[f"repeated {retry.operation}"] += 1


async def main(url: str) -> None:
    exporter = InMemorySpanExporter()  # a program sends its spans somewhere, by another exporter
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("shop")
    counting = Counts()
    orders = f"orders-{uuid.uuid4().hex[:6]}"

    async def bill(message: Message) -> None:
        with tracer.start_as_current_span("charge the card"):
            print("billed", message.data["item"])

    async with Queen(url, hooks=[OpenTelemetry(tracer_provider=provider), counting]) as queen:
        await queen.queue(orders).create()
        with tracer.start_as_current_span("checkout"):
            await queen.queue(orders).push([{"data": {"item": "teapot"}}])
        await queen.queue(orders).group("billing").limit(1).consume(bill)
        await queen.queue(orders).delete()

    spans = {span.name.replace(orders, "orders"): span for span in exporter.get_finished_spans()}
    names = {span.context.span_id: name for name, span in spans.items() if span.context is not None}
    for name, span in spans.items():
        inside = f" in {names[span.parent.span_id]!r}" if span.parent is not None else ""
        links = "".join(f", linked to {names[link.context.span_id]!r}" for link in span.links)
        print(f"{name!r}{inside}{links}")
    print(dict(counting.counts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://telemetry", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
