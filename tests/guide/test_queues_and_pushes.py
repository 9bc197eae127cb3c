"""Queue Operations, Pushing Messages, Creating Partitioned Messages, Delayed Processing."""

from __future__ import annotations

from typing import Any, List

import pytest

from queen import Queen
from tests.guide.bindings import runs
from tests.guide.harness import Guide, data
from tests.scripted_server import Received, Scripted, ScriptedServer, answers

CALLBACKS = """
async def on_success(messages):
    print('Push successful!')

async def on_error(messages, error):
    print(f'Push failed: {error}')

async def on_duplicate(messages, error):
    print('Duplicate transaction IDs detected')

await (queen.queue('tasks')
    .push([{'data': {'value': 1}}])
    .on_success(on_success)
    .on_error(on_error)
    .on_duplicate(on_duplicate))
"""


@runs(s8="Creating Queues")
async def test_queues_are_created_plain_and_with_a_configuration(guide: Guide) -> None:
    await guide.run(8)
    assert await guide.queue_names() == ["my-tasks", "orders"]
    plain, configured = await guide.status_of("my-tasks"), await guide.status_of("orders")
    assert (plain["priority"], plain["config"]["leaseTime"], plain["config"]["retryLimit"]) == (0, 300, 3)
    assert configured["priority"] == 5
    assert (configured["config"]["leaseTime"], configured["config"]["retryLimit"]) == (300, 3)
    options = guide.door.bodies("POST /api/v1/configure")[1]["options"]
    assert (options["dlqAfterMaxRetries"], options["encryptionEnabled"]) == (True, False)


@runs(s9="Deleting Queues")
async def test_a_deleted_queue_is_gone_with_its_messages(guide: Guide) -> None:
    await guide.queen.queue("my-tasks").push([{"data": 1}])
    await guide.queen.queue("other").create()
    await guide.run(9)
    assert await guide.queue_names() == ["other"]
    assert await guide.stored("my-tasks") == []


@runs(s10="Basic Push")
async def test_one_message_is_pushed_and_then_several(guide: Guide) -> None:
    await guide.run(10)
    assert [message.partition for message in await guide.stored("tasks")] == ["Default"] * 4
    assert data(await guide.stored("tasks")) == [
        {"job": "resize-image", "imageId": 123},
        {"job": "send-email", "to": "alice@example.com"},
        {"job": "send-email", "to": "bob@example.com"},
        {"job": "resize-image", "id": 123},
    ]
    assert guide.door.count("POST /api/v1/push") == 2


@runs(s11="With Partitions")
async def test_a_partition_keeps_the_order_of_its_messages(guide: Guide) -> None:
    await check_events_in_order(guide, 11)


@runs(s20="Creating Partitioned Messages")
async def test_partitioned_messages_are_processed_in_order(guide: Guide) -> None:
    await check_events_in_order(guide, 20)


@runs(s12="With Custom Transaction IDs (Exactly-Once)")
async def test_a_transaction_id_is_stored_once(guide: Guide) -> None:
    await guide.run(12)
    await guide.run(12)
    [message] = await guide.stored("orders")
    assert message.transaction_id == "order-12345"
    assert message.data == {"orderId": 12345, "amount": 99.99}


@runs(s14="Push with Callbacks")
async def test_the_callback_of_what_became_of_the_push_is_called(guide: Guide) -> None:
    async with guide.running(14, CALLBACKS) as program:
        await program.wait()
    assert guide.printed == ["Push successful!"]
    assert data(await guide.stored("tasks")) == [{"value": 1}]


@pytest.mark.parametrize(
    ("answer", "printed"),
    [
        (answers([{"index": 0, "status": "duplicate", "message_id": "m"}]), "Duplicate transaction IDs detected"),
        (answers({"error": "disk full"}, 400), "Push failed: push: the server refused: disk full (status 400)"),
    ],
)
async def test_duplicates_and_failures_have_callbacks_too(guide: Guide, answer: Scripted, printed: str) -> None:
    def script(received: Received) -> Scripted:
        return answer

    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        async with guide.running(14, CALLBACKS, queen=queen) as program:
            await program.wait()
    assert guide.printed == [printed]


@runs(s54="Delayed Processing")
async def test_a_delayed_message_is_invisible_until_its_time(guide: Guide) -> None:
    names = await guide.run(54)
    assert names["now"] == []
    assert data(names["later"]) == [{"task": "send-reminder"}]
    nothing, something = guide.printed
    assert nothing == "[]"
    assert "'data': {'task': 'send-reminder'}" in something


async def check_events_in_order(guide: Guide, number: int) -> None:
    await guide.run(number)
    expected: List[Any] = [{"event": "login"}, {"event": "view-page"}, {"event": "logout"}]
    assert data(await guide.stored("user-events")) == data(await guide.stored("user-events", "user-123")) == expected
    seen: List[Any] = []
    await guide.queen.queue("user-events").concurrency(3).limit(1).consume(lambda message: seen.append(message.data))
    assert seen == expected
