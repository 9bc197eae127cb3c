"""Complete Example, Example Migration."""

from __future__ import annotations

from typing import Any, Dict

from queen_api.api import traces

from tests.guide.bindings import runs
from tests.guide.harness import Calls, Guide, data


@runs(s75="Complete Example")
async def test_ten_thousand_events_are_ingested_processed_and_monitored(guide: Guide) -> None:
    monitored = 500
    async with guide.running(75) as program:
        await program.until(lambda: guide.printed)
        assert guide.printed == ["Ingestion complete!"]
        assert guide.door.count("POST /api/v1/push") <= 200
        await program.until(lambda: guide.door.count("POST /api/v1/transaction") == 1000)
        await program.until(lambda: guide.door.count("POST /api/v1/traces") >= monitored)
    for queue, priority in (("raw-events", 5), ("processed-events", 10)):
        assert (await guide.status_of(queue))["priority"] == priority

    raw = await guide.stored("raw-events")
    by_user: Dict[int, Any] = {}
    for message in raw:
        assert message.partition == f"user-{message.data['userId']}"
        by_user.setdefault(message.data["userId"], []).append(message.data["timestamp"])
    assert by_user == {user: list(range(user, 10_000, 100)) for user in range(100)}

    processed = data(await guide.stored("processed-events"))
    assert all(event["processed"] for event in processed)
    assert sorted(event["userId"] for event in processed) == sorted(n % 100 for n in range(10_000))
    assert await guide.unsettled("raw-events", "processors") == []

    found: Any = await guide.queen.send(traces.list_trace_names(limit=1000))
    assert {name["trace_name"] for name in found["trace_names"]} <= {f"user-{user}" for user in range(100)}
    assert sum(name["trace_count"] for name in found["trace_names"]) >= monitored
    assert len(await guide.unsettled("processed-events", "monitors")) <= 10_000 - monitored


@runs(s82="Example Migration")
async def test_a_handler_of_one_message_is_given_a_list_where_a_batch_is_asked_for(guide: Guide) -> None:
    # The guide's own rule is "batch>1: handler receives array of messages", and the handler of this example takes one:
    # it fails at every message, which then goes the way of all that fails.
    await guide.queen.queue("tasks").config({"retryLimit": 1}).create()
    await guide.queen.queue("tasks").push([{"data": n} for n in range(3)])
    process = Calls()
    async with guide.running(82, process_task=process) as program:
        await guide.hurry(program.until(lambda: guide.broker.parked_polls == 5))
    assert process.seen == []
    letters = (await guide.queen.queue("tasks").dlq().get())["messages"]
    assert sorted(letter["data"] for letter in letters) == [0, 1, 2]
    assert {letter["errorMessage"] for letter in letters} == {"list indices must be integers or slices, not str"}
    assert await guide.unsettled("tasks") == []
