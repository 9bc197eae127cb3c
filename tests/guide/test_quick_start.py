"""Quick Start Examples."""

from __future__ import annotations

from tests.guide.bindings import runs
from tests.guide.harness import Guide, data

TWO_WORKERS = """
async def worker1():
    async def handler(msg):
        print('Worker 1 processing:', msg['data'])
    await queen.queue('emails').group('processors').consume(handler)

async def worker2():
    async def handler(msg):
        print('Worker 2 processing:', msg['data'])
    await queen.queue('emails').group('processors').consume(handler)

await asyncio.gather(worker1(), worker2())
"""


@runs(s5="Basic Push and Consume")
async def test_a_first_program_creates_pushes_and_consumes(guide: Guide) -> None:
    async with guide.running(5) as program:
        await program.until(lambda: guide.printed)
        assert guide.printed == ["Processing: {'task': 'send-email', 'to': 'alice@example.com'}"]
        assert guide.door.count("POST /api/v1/configure") == 1
    assert data(await guide.stored("tasks")) == [{"task": "send-email", "to": "alice@example.com"}]
    assert await guide.unsettled("tasks") == []


@runs(s6="With Partitions")
async def test_a_partition_is_pushed_to_and_consumed_alone(guide: Guide) -> None:
    await guide.queen.queue("user-events").partition("user-9").push([{"data": "of somebody else"}])
    event = {"event": "login", "timestamp": "2025-11-22T10:00:00Z"}
    async with guide.running(6) as program:
        await program.until(lambda: guide.printed)
        assert guide.printed == [f"User 123 event: {event}"]
    assert data(await guide.stored("user-events", "user-123")) == [event]
    assert await guide.unsettled("user-events") == ["of somebody else"]


@runs(s7="Consumer Groups")
async def test_two_workers_of_one_group_share_the_messages(guide: Guide) -> None:
    for user in range(10):
        await guide.queen.queue("emails").partition(f"user-{user}").push([{"data": [user, n]} for n in range(3)])
    async with guide.running(7, TWO_WORKERS) as program:
        await program.until(lambda: len(guide.printed) == 30)
    assert sorted(line.split(":")[1] for line in guide.printed) == [
        f" [{user}, {n}]" for user in range(10) for n in range(3)
    ]
    assert {line.split(":")[0] for line in guide.printed} == {"Worker 1 processing", "Worker 2 processing"}
    assert await guide.unsettled("emails", "processors") == []
