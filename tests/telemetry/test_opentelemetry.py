"""OpenTelemetry: which spans and metrics there are, and how the context travels."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, List, Optional

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from queen import Message, PushRejectedError, Queen, QueenError
from tests.scripted_server import Received, Scripted, ScriptedServer
from tests.telemetry.conftest import Telemetry


@asynccontextmanager
async def watched(server_url: str, telemetry: Telemetry, payload_key: Optional[str] = None) -> AsyncIterator[Queen]:
    async with Queen(server_url, hooks=[telemetry.hook(payload_key)], retry_delay_millis=10) as client:
        yield client


def linked(span: ReadableSpan) -> List[int]:
    return [link.context.span_id for link in span.links]


def own(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


async def busy(_: Received) -> Scripted:
    return Scripted(b"busy", 503)


async def ignore(_: Message) -> None:
    """A handler."""


async def test_a_handlers_span_is_linked_to_that_of_the_push(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry) as queen:
        await queen.queue(queue_name).partition("p").push([{"data": 1}])
        await queen.queue(queue_name).group("g").limit(1).consume(ignore)
    sent, processed = telemetry.span(f"send {queue_name}"), telemetry.span(f"process {queue_name}")
    assert (sent.kind, processed.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert linked(processed) == [own(sent)]
    assert processed.links[0].context.trace_id == sent.context.trace_id  # type: ignore[union-attr]
    assert processed.parent is None
    attributes = dict(processed.attributes or {})
    assert {key: attributes[key] for key in attributes if key != "messaging.message.id"} == {
        "messaging.system": "queen",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue_name,
        "messaging.destination.partition.id": "p",
        "messaging.consumer.group.name": "g",
    }
    assert attributes["messaging.message.id"] == dict(sent.attributes or {})["messaging.message.id"]
    for name, kind in (("receive", "receive"), ("ack", "settle")):
        span = telemetry.span(f"{name} {queue_name}")
        assert dict(span.attributes or {})["messaging.operation.type"] == kind
        assert linked(span) == [own(sent)]


async def test_the_servers_show_the_trace(server_url: str, queue_name: str, telemetry: Telemetry) -> None:
    async with watched(server_url, telemetry) as queen:
        await queen.queue(queue_name).push([{"data": 1}])
        [message] = await queen.queue(queue_name).pop()
    sent = telemetry.span(f"send {queue_name}")
    assert sent.context is not None
    assert str(message.trace_id).replace("-", "") == f"{sent.context.trace_id:032x}"


async def test_the_results_of_a_push_have_the_ids_that_were_sent(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry) as queen:
        results = await queen.queue(queue_name).push([{"data": 1}, {"data": 2}])
        popped = await queen.queue(queue_name).batch(2).pop()
    assert [result["transaction_id"] for result in results] == [message.transaction_id for message in popped]


async def test_what_a_user_says_is_not_changed(server_url: str, queue_name: str, telemetry: Telemetry) -> None:
    given = "018f9f6e-7b1c-7c3a-9d2e-0123456789ab"
    async with watched(server_url, telemetry) as queen:
        await queen.queue(queue_name).push(
            [{"data": {"n": 1}, "transactionId": "mine"}, {"data": {"n": 2}, "traceId": given}]
        )
        first, second = await queen.queue(queue_name).batch(2).pop()
    assert (first.transaction_id, first.data) == ("mine", {"n": 1})
    assert (second.trace_id, second.data) == (given, {"n": 2})
    # The second carries all in its id; of the first, nothing tells the span.
    assert linked(telemetry.span(f"receive {queue_name}")) == [own(telemetry.span(f"send {queue_name}"))]


async def test_a_payload_key_carries_the_context_of_messages_with_ids_of_the_user(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    seen: List[Any] = []

    async def handler(message: Message) -> None:
        seen.append(message.data)

    async with watched(server_url, telemetry, "_traceparent") as queen:
        given = {"n": 1}
        await queen.queue(queue_name).push([{"data": given, "transactionId": "a"}, {"data": 5, "transactionId": "b"}])
        assert given == {"n": 1}
        await queen.queue(queue_name).group("plain").pop()
        await queen.queue(queue_name).group("g").batch(2).each().limit(2).consume(handler)
    assert seen == [{"n": 1}, 5]
    with_context, without = telemetry.spans(f"process {queue_name}")
    assert linked(with_context) == [own(telemetry.span(f"send {queue_name}"))]
    assert linked(without) == []


async def test_a_consumer_without_the_hook_sees_the_payload_key(
    server_url: str, queue_name: str, queen: Queen, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry, "_traceparent") as producer:
        await producer.queue(queue_name).push([{"data": {"n": 1}}])
    [message] = await queen.queue(queue_name).pop()
    sent = telemetry.span(f"send {queue_name}")
    assert message.data["n"] == 1
    assert f"{own(sent):016x}" in message.data["_traceparent"]


async def test_what_a_handler_does_is_a_child_of_its_span(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry) as queen:

        async def handler(_: Message) -> None:
            assert trace.get_current_span().get_span_context().is_valid
            await queen.queue(queue_name).partition("next").push([{"data": 2}])

        tracer = telemetry.tracer_provider.get_tracer("test")
        with tracer.start_as_current_span("request"):
            await queen.queue(queue_name).partition("first").push([{"data": 1}])
            await queen.queue(queue_name).partition("first").group("g").limit(1).consume(handler)
    first, second = telemetry.spans(f"send {queue_name}")
    request, processed = telemetry.span("request"), telemetry.span(f"process {queue_name}")
    assert first.parent is not None
    assert first.parent.span_id == own(request)
    assert second.parent is not None
    assert second.parent.span_id == own(processed)
    # Not of the request that started the consumer, which may have ended long ago.
    assert processed.parent is None


async def test_a_buffered_message_carries_the_context_of_its_push(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry) as queen:
        tracer = telemetry.tracer_provider.get_tracer("test")
        buffered = queen.queue(queue_name).buffer()
        with tracer.start_as_current_span("one"):
            await buffered.push([{"data": 1}])
        with tracer.start_as_current_span("two"):
            await buffered.push([{"data": 2}])
        gauge = telemetry.metrics()["queen.client.buffered.messages"]
        assert [(row.value, row.attributes["messaging.destination.name"]) for row in gauge] == [(2, queue_name)]
        assert telemetry.spans(f"send {queue_name}") == []
        await queen.flush_all_buffers()
        await queen.queue(queue_name).group("g").batch(2).each().limit(2).consume(ignore)
        created = telemetry.spans(f"create {queue_name}")
        assert linked(telemetry.span(f"send {queue_name}")) == [own(span) for span in created]
        assert [linked(span) for span in telemetry.spans(f"process {queue_name}")] == [[own(span)] for span in created]
        assert [row.value for row in telemetry.metrics()["queen.client.buffered.messages"]] == [0]
        [sent] = telemetry.metrics()["messaging.client.sent.messages"]
        assert sent.value == 2


async def test_a_client_that_is_gone_is_not_kept_for_its_buffers(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    hook = telemetry.hook()
    async with Queen(server_url, hooks=[hook]) as client:
        await client.queue(queue_name).buffer().push([{"data": 1}])
        await client.flush_all_buffers()
    del client
    gc.collect()
    assert [row.value for row in telemetry.metrics().get("queen.client.buffered.messages", [])] in ([], [0])


async def test_a_batch_is_one_span_with_a_link_for_each_push(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry) as queen:
        for number in range(3):
            await queen.queue(queue_name).push([{"data": number}])
        await queen.queue(queue_name).group("g").batch(10).limit(3).consume(lambda messages: len(messages))
    processed = telemetry.span(f"process {queue_name}")
    assert dict(processed.attributes or {})["messaging.batch.message_count"] == 3
    assert linked(processed) == [own(span) for span in telemetry.spans(f"send {queue_name}")]


@pytest.mark.dialects("embedded", "0.15")
async def test_a_handler_that_fails_is_an_error_and_its_nacks_and_dead_letter_show(
    server_url: str, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry) as queen:
        await queen.queue("fails").config({"retryLimit": 1}).create()
        await queen.queue("fails").push([{"data": 1}])

        async def handler(_: Message) -> None:
            raise ValueError("no such order")

        await queen.queue("fails").group("g").limit(2).consume(handler)
    for span in telemetry.spans("process fails"):
        assert span.status.status_code is StatusCode.ERROR
        assert dict(span.attributes or {})["error.type"] == "ValueError"
        assert span.events[0].name == "exception"
    nacks = [dict(span.attributes or {}) for span in telemetry.spans("nack fails")]
    assert [attributes.get("queen.dead_letters") for attributes in nacks] == [None, 1]
    settled = telemetry.metrics()["queen.client.settled.messages"]
    assert {row.attributes["queen.outcome"]: row.value for row in settled} == {"failed": 1, "dead_letter": 1}


async def test_a_transaction_is_a_span_whose_messages_carry_it(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry) as queen:
        await queen.queue(queue_name).partition("in").push([{"data": 1}])
        [message] = await queen.queue(queue_name).partition("in").pop()
        await queen.transaction().ack(message).queue(queue_name).partition("out").push([{"data": 2}]).commit()
        [followed] = await queen.queue(queue_name).partition("out").pop()
    commit = telemetry.span(f"commit {queue_name}")
    assert dict(commit.attributes or {})["queen.acks"] == 1
    assert f"{own(commit):016x}" in followed.transaction_id
    [settled] = telemetry.metrics()["queen.client.settled.messages"]
    assert (settled.value, settled.attributes["queen.outcome"]) == (1, "completed")


async def test_a_long_poll_that_finds_nothing_is_no_span(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    async with watched(server_url, telemetry) as queen:
        assert await queen.queue(queue_name).wait().timeout_millis(20).pop() == []
    assert telemetry.names == []


async def test_what_fails_is_an_error_and_what_is_repeated_is_counted(telemetry: Telemetry) -> None:
    async with ScriptedServer(busy) as server:
        async with Queen(
            server.url, hooks=[telemetry.hook()], retry_attempts=2, retry_delay_millis=1, dialect="0.15"
        ) as queen:
            with pytest.raises(QueenError):
                await queen.queue("q").push([{"data": 1}])
    span = telemetry.span("send q")
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {})["error.type"] == "queen.errors.HttpStatusError"
    assert [event.name for event in span.events] == ["queen.retry", "queen.retry", "exception"]
    metrics = telemetry.metrics()
    [retried] = metrics["queen.client.retries"]
    assert (retried.value, retried.attributes["error.type"]) == (2, "503")
    [sent] = metrics["messaging.client.sent.messages"]
    assert sent.attributes["error.type"] == "queen.errors.HttpStatusError"
    assert dict(span.attributes or {})["server.address"] == "127.0.0.1"


async def test_how_long_and_how_many_is_told(server_url: str, queue_name: str, telemetry: Telemetry) -> None:
    async with watched(server_url, telemetry) as queen:
        await queen.queue(queue_name).push([{"data": 1}, {"data": 2}])
        await queen.queue(queue_name).group("g").batch(2).each().limit(2).consume(ignore)
    metrics = telemetry.metrics()
    assert [row.value for row in metrics["messaging.process.duration"]] == [2]
    assert [row.value for row in metrics["messaging.client.consumed.messages"]] == [2]
    assert [row.value for row in metrics["queen.client.message.age"]] == [2]
    durations = {row.attributes["messaging.operation.name"] for row in metrics["messaging.client.operation.duration"]}
    assert durations == {"send", "receive", "ack"}


async def test_a_consumer_that_is_cancelled_has_not_failed(
    server_url: str, queue_name: str, telemetry: Telemetry
) -> None:
    started = asyncio.Event()

    async def handler(_: Message) -> None:
        started.set()
        await asyncio.Event().wait()

    async with watched(server_url, telemetry) as queen:
        await queen.queue(queue_name).push([{"data": 1}])
        consuming = asyncio.ensure_future(queen.queue(queue_name).group("g").consume(handler))
        await started.wait()
        consuming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consuming
    assert telemetry.span(f"process {queue_name}").status.status_code is StatusCode.UNSET


async def test_a_refused_push_is_an_error(telemetry: Telemetry) -> None:
    # Server 0.7 makes no queue by a push.
    async with Queen("memory://telemetry-07", hooks=[telemetry.hook()], dialect="0.7") as queen:
        with pytest.raises(PushRejectedError):
            await queen.queue("missing").push([{"data": 1}])
    assert telemetry.span("send missing").status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(("key", "error"), [(5, TypeError), ("", ValueError)])
def test_a_payload_key_that_is_none_is_refused(telemetry: Telemetry, key: Any, error: type) -> None:
    with pytest.raises(error, match="payload_key"):
        telemetry.hook(key)


def test_without_the_extra_it_is_named() -> None:
    program = "import sys; sys.modules['opentelemetry'] = None\nimport queen.otel"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert 'pip install "queen-mq[otel]"' in done.stderr


def test_a_client_without_hooks_imports_none_of_it() -> None:
    program = """
import asyncio, sys
from queen import Queen

async def main():
    async with Queen("memory://plain") as queen:
        await queen.queue("q").push([{"data": 1}])
        await queen.queue("q").limit(1).consume(lambda message: None)

asyncio.run(main())
print([name for name in sys.modules if name.startswith(("queen.hooks", "queen.otel", "opentelemetry"))])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
