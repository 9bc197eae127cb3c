"""Acknowledgment, Dead Letter Queue, Lease Renewal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, List

from queen import Message
from tests.guide.bindings import runs
from tests.guide.harness import Calls, Guide, data
from tests.guide.program import settle


@runs(s28="Manual Acknowledgment")
async def test_messages_succeed_fail_and_fail_with_a_reason(guide: Guide) -> None:
    queue = guide.queen.queue("tasks")
    await queue.config({"retryLimit": 1}).create()
    await queue.push([{"data": n} for n in range(5)])
    # The last line is a heading of the document, which its code fence swallowed: a subtraction to Python.
    names = {"Auto": 0, "Acknowledgment": 0, "msg1": None, "msg2": None, "msg3": None}
    async with guide.stepping(28, message=await only(queue), **names) as program:
        await program.next()
        program.names["message"] = await only(queue)
        await program.next()
        again = program.names["message"] = await only(queue)
        assert again.data == 1
        await program.next()
        assert await dead_letters(guide, "tasks") == [(1, "Invalid data format")]
        program.names["msg1"], program.names["msg2"], program.names["msg3"] = await queue.batch(10).pop()
        await program.finish()
    assert await guide.unsettled("tasks") == []


@runs(s29="Manual Acknowledgment")
async def test_consumers_acknowledge_by_themselves_or_by_hand(guide: Guide) -> None:
    def answer(n: int) -> SimpleNamespace:
        if process.seen == [0, 1]:
            raise ValueError("not yet")
        return SimpleNamespace(success=process.seen != [0, 1, 1, 2, 3])

    process = Calls(answer)
    await guide.queen.queue("tasks").push([{"data": 0}, {"data": 1}])
    async with guide.running(29, process=process) as program:
        await program.until(lambda: process.seen == [0, 1, 1])
        await program.interrupt()
        # Nobody acknowledges for the second handler; what it calls a failure comes again.
        await guide.queen.queue("tasks").push([{"data": 2}, {"data": 3}])
        await program.until(lambda: process.seen == [0, 1, 1, 2, 3, 3])
    assert await guide.unsettled("tasks") == []


@runs(s30="Batch Ack with Mixed Results")
async def test_a_batch_is_acknowledged_by_the_status_of_each_message(guide: Guide) -> None:
    await guide.queen.queue("tasks").config({"retryLimit": 0}).create()
    await guide.queen.queue("tasks").push([{"data": n} for n in range(4)])
    await guide.run(30, process_message=Calls(refuse_two))
    assert await dead_letters(guide, "tasks") == [(2, "two is too many")]
    assert await guide.unsettled("tasks") == []


async def test_a_failed_message_of_a_batch_comes_again(guide: Guide) -> None:
    await guide.queen.queue("tasks").push([{"data": n} for n in range(3)])
    await guide.run(30, process_message=Calls(refuse_two))
    assert await guide.unsettled("tasks") == [2]


@runs(s38="Enable DLQ")
async def test_a_message_is_a_dead_letter_after_three_retries(guide: Guide) -> None:
    await guide.run(38)
    assert (await guide.status_of("risky-business"))["config"]["retryLimit"] == 3
    [created] = guide.door.bodies("POST /api/v1/configure")
    assert created["options"]["dlqAfterMaxRetries"] is True
    await guide.queen.queue("risky-business").push([{"data": "risk"}])
    attempts = Calls(refuse)
    await guide.queen.queue("risky-business").limit(4).consume(attempts)
    assert data(attempts.seen) == ["risk"] * 4
    assert await dead_letters(guide, "risky-business") == [("risk", "too risky")]
    assert await guide.unsettled("risky-business") == []


@runs(s39="Query DLQ")
async def test_dead_letters_are_listed_with_what_went_wrong(guide: Guide) -> None:
    await guide.queen.queue("risky-business").config({"retryLimit": 0}).create()
    await guide.queen.queue("risky-business").push([{"data": n} for n in range(12)])
    await guide.queen.queue("risky-business").limit(12).consume(Calls(refuse))
    names = await guide.run(39)
    assert len(names["dlq"]["messages"]) == 10
    lines = guide.printed
    assert lines[0] == "Found 12 failed messages"
    assert lines[1::3] == [f"Failed message: {n}" for n in range(11, 1, -1)]
    assert set(lines[2::3]) == {"Error: too risky"}
    assert all(line.startswith("Failed at: 2025-01-01T00:00:00") for line in lines[3::3])


@runs(s40="DLQ with Consumer Groups")
async def test_dead_letters_of_one_group(guide: Guide) -> None:
    await guide.queen.queue("risky-business").config({"retryLimit": 0}).create()
    await guide.queen.queue("risky-business").push([{"data": n} for n in range(2)])
    for group, count in (("my-consumer-group", 2), ("another-group", 1)):
        await guide.queen.queue("risky-business").group(group).limit(count).consume(Calls(refuse))
    found = (await guide.run(40))["dlq"]
    assert [(letter["data"], letter["consumerGroup"]) for letter in found["messages"]] == [
        (1, "my-consumer-group"),
        (0, "my-consumer-group"),
    ]
    assert (found["total"], found["limit"]) == (2, 100)


@runs(s41="Advanced DLQ Queries")
async def test_dead_letters_of_a_time(guide: Guide) -> None:
    queue = guide.queen.queue("risky-business")
    await queue.config({"retryLimit": 0}).create()
    for moment in ("2025-01-15", "2025-01-30", "2025-02-01"):
        guide.time.move_to(moment)
        await queue.push([{"data": moment}])
        await queue.limit(1).consume(Calls(refuse))
    found = (await guide.run(41))["dlq"]
    assert [letter["data"] for letter in found["messages"]] == ["2025-01-30", "2025-01-15"]
    assert (found["total"], found["limit"], found["offset"]) == (2, 100, 0)


@runs(s42="Why Lease Renewal?")
async def test_a_consumer_keeps_its_lease_for_hours(guide: Guide) -> None:
    await guide.queen.queue("long-tasks").config({"leaseTime": 120}).create()
    await guide.queen.queue("long-tasks").push([{"data": "long"}])

    async def work(_: Any) -> None:
        for _minute in range(180):
            await settle()
            guide.time.advance(60)
            await settle()
            assert await guide.queen.queue("long-tasks").pop() == []

    process = Calls(work)
    async with guide.running(42, process_very_long_task=process) as program:
        await program.until(lambda: guide.broker.parked_polls == 1 and process.seen)
    assert process.seen == ["long"]
    assert guide.door.count("POST /api/v1/lease/") > 100
    assert await guide.unsettled("long-tasks") == []


@runs(s43="Manual Renewal")
async def test_a_lease_is_renewed_by_hand(guide: Guide) -> None:
    await guide.queen.queue("long-tasks").config({"leaseTime": 45}).create()
    await guide.queen.queue("long-tasks").push([{"data": "long"}])

    async def work(_: Any) -> None:
        while len(guide.printed) < 20:
            await settle()
        assert await guide.queen.queue("long-tasks").pop() == []

    process = Calls(work)
    names = await guide.run(43, process_very_long_task=process)
    assert process.seen == ["long"]
    assert set(guide.printed) == {"Lease renewed!"}
    await settle()
    assert names["renewal"].cancelled()
    assert await guide.unsettled("long-tasks") == []


@runs(s44="Batch Renewal")
async def test_leases_are_renewed_for_messages_and_by_their_ids(guide: Guide) -> None:
    await guide.queen.queue("tasks").config({"leaseTime": 10}).create()
    await guide.queen.queue("tasks").push([{"data": n} for n in range(3)])
    async with guide.stepping(44) as program:
        await program.next()
        # Each renewal makes the lease last a minute from then on.
        guide.time.advance(9)
        await program.next()
        guide.time.advance(59)
        await program.next()
        guide.time.advance(59)
    results = await guide.queen.ack(program.names["messages"], True)
    assert [result["success"] for result in results] == [True] * 3
    assert await guide.unsettled("tasks") == []


async def test_a_lease_that_is_not_renewed_ends(guide: Guide) -> None:
    await guide.queen.queue("tasks").config({"leaseTime": 10}).create()
    await guide.queen.queue("tasks").push([{"data": 1}])
    message = await only(guide.queen.queue("tasks"))
    guide.time.advance(11)
    assert not (await guide.queen.ack(message, True))["success"]
    assert await guide.unsettled("tasks") == [1]


async def only(queue: Any) -> Message:
    [message] = await queue.pop()
    found: Message = message
    return found


async def dead_letters(guide: Guide, queue: str) -> List[Any]:
    found = await guide.queen.queue(queue).dlq().get()
    return [(letter["data"], letter["errorMessage"]) for letter in found["messages"]]


def refuse(_: Any) -> None:
    raise ValueError("too risky")


def refuse_two(n: int) -> None:
    if n == 2:
        raise ValueError("two is too many")
