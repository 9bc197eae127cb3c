"""Message Tracing."""

from __future__ import annotations

from typing import Any, Dict, List

from queen_api.api import traces

from queen import Message
from tests.guide.bindings import runs
from tests.guide.harness import Calls, Guide


@runs(s45="Basic Tracing")
async def test_events_are_recorded_before_and_after_the_work(guide: Guide) -> None:
    await guide.queen.queue("orders").push([{"data": {"item": "teapot"}}])
    process = Calls(lambda order: {"id": 7, "total": 12.5})
    async with guide.running(45, process_order=process) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/traces") == 2)
    [message] = await guide.stored("orders")
    assert [event["data"] for event in await events_of(guide, message)] == [
        {"text": "Order processing started"},
        {"text": "Order processed successfully", "orderId": 7, "total": 12.5},
    ]
    assert await guide.unsettled("orders") == []


@runs(s46="Trace Names - Cross-Service Correlation")
async def test_one_name_connects_the_events_of_two_services(guide: Guide) -> None:
    await guide.queen.queue("orders").push([{"data": {"orderId": 12345, "items": ["teapot"]}}])
    async with guide.running(46) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/traces") == 1)
        await program.interrupt()
        await program.until(lambda: guide.door.count("POST /api/v1/traces") == 2)
    assert await named(guide, "order-12345") == [
        ("orders", {"text": "Order created", "service": "orders"}),
        ("inventory", {"text": "Stock checked", "service": "inventory"}),
    ]
    for queue in ("orders", "inventory"):
        assert await guide.unsettled(queue) == []


@runs(s47="Multi-Dimensional Tracing")
async def test_an_event_is_found_under_each_of_its_names(guide: Guide) -> None:
    for room in (123, 124):
        await guide.queen.queue("chat-messages").push([{"data": {"tenantId": "acme", "roomId": room, "userId": 456}}])
    async with guide.running(47) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/traces") == 2)
    sent = ("chat-messages", {"text": "Message sent"})
    assert await named(guide, "tenant-acme") == await named(guide, "user-456") == [sent, sent]
    assert await named(guide, "room-123") == await named(guide, "room-124") == [sent]
    assert await named(guide, "room-125") == []


@runs(s48="Event Types")
async def test_events_have_types(guide: Guide) -> None:
    await guide.queen.queue("analytics").push([{"data": 1}])
    async with guide.running(48) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/traces") == 3)
    [message] = await guide.stored("analytics")
    assert [(event["event_type"], event["data"]["text"]) for event in await events_of(guide, message)] == [
        ("info", "Started processing"),
        ("step", "Validated data"),
        ("processing", "Sending email"),
    ]


@runs(s49="Error-Safe Tracing")
async def test_errors_are_traced_and_the_message_is_retried(guide: Guide) -> None:
    def answer(_: Any) -> Dict[str, int]:
        if len(compute.seen) == 1:
            raise ValueError("no data")
        return {"count": 42}

    compute = Calls(answer)
    await guide.queen.queue("jobs").push([{"data": 1}])
    # The last line is a heading of the document, which its code fence swallowed: an expression to Python.
    async with guide.running(49, compute_analytics=compute, Namespaces=0, Tasks=0) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/traces") == 4)
        await program.interrupt()
    [message] = await guide.stored("jobs")
    assert [(event["event_type"], event["data"]) for event in await events_of(guide, message)] == [
        ("info", {"text": "Job started"}),
        ("error", {"text": "Job failed", "error": "no data"}),
        ("info", {"text": "Job started"}),
        ("info", {"text": "Job completed", "recordsProcessed": 42}),
    ]
    assert await guide.unsettled("jobs") == []


async def test_a_trace_that_fails_never_fails_the_consumer(guide: Guide) -> None:
    guide.door.shut = "/api/v1/traces"
    compute = Calls(lambda _: {"count": 42})
    await guide.queen.queue("jobs").push([{"data": 1}])
    async with guide.running(49, compute_analytics=compute, Namespaces=0, Tasks=0) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/traces") == 2)
        await program.interrupt()
    assert compute.seen == [1]
    [message] = await guide.stored("jobs")
    assert await events_of(guide, message) == []
    assert await guide.unsettled("jobs") == []


async def events_of(guide: Guide, message: Message) -> List[Dict[str, Any]]:
    """The trace events of a message, the oldest first."""
    guide.door.shut = None
    request = traces.list_message_traces(partition_id=message.partition_id, transaction_id=message.transaction_id)
    answer: Any = await guide.queen.send(request)
    return list(answer["traces"])


async def named(guide: Guide, name: str) -> List[Any]:
    """The queue and the data of each event under a name."""
    answer: Any = await guide.queen.send(traces.list_traces_by_name(trace_name=name))
    return [(event["queue_name"], event["data"]) for event in answer["traces"]]
