"""Namespaces & Tasks, Priority Queues."""

from __future__ import annotations

from typing import List

from tests.guide.bindings import runs
from tests.guide.harness import Calls, Guide


@runs(s50="Namespaces")
async def test_all_queues_of_a_namespace_are_consumed(guide: Guide) -> None:
    await guide.queen.queue("stock").namespace("warehouse").create()
    await guide.queen.queue("stock").push([{"data": "of another namespace"}])
    async with guide.running(50) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/configure") == 3)
        for queue in ("billing-invoices", "billing-receipts"):
            await guide.queen.queue(queue).push([{"data": queue}])
        await guide.hurry(program.until(lambda: len(guide.printed) == 2))
    assert sorted(guide.printed) == ["Accounting message: billing-invoices", "Accounting message: billing-receipts"]
    for queue in ("billing-invoices", "billing-receipts"):
        assert (await guide.status_of(queue))["namespace"] == "accounting"
        assert await guide.unsettled(queue) == []
    assert await guide.unsettled("stock") == ["of another namespace"]


@runs(s51="Tasks")
async def test_all_queues_of_a_task_are_consumed(guide: Guide) -> None:
    process = Calls()
    async with guide.running(51, process_video=process) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/configure") == 2)
        await guide.queen.queue("image-uploads").push([{"data": "image"}])
        await guide.queen.queue("video-uploads").push([{"data": "video"}])
        await guide.hurry(program.until(lambda: process.seen))
    assert process.seen == ["video"]
    assert (await guide.status_of("video-uploads"))["task"] == "video-processing"
    assert await guide.unsettled("video-uploads") == []
    assert await guide.unsettled("image-uploads") == ["image"]


@runs(s52="Combining Namespace + Task")
async def test_namespace_and_task_must_both_match(guide: Guide) -> None:
    kinds = {"both": ("media", "urgent-processing"), "space": ("media", "later"), "task": ("text", "urgent-processing")}
    for queue, (namespace, task) in kinds.items():
        await guide.queen.queue(queue).namespace(namespace).task(task).create()
        await guide.queen.queue(queue).push([{"data": queue}])
    process = Calls()
    async with guide.running(52, process_urgent_media=process) as program:
        await guide.hurry(program.until(lambda: process.seen))
        await guide.queen.queue("both").push([{"data": "later"}])
        await guide.hurry(program.until(lambda: len(process.seen) == 2))
    assert process.seen == ["both", "later"]
    assert await guide.unsettled("both") == []
    assert await guide.unsettled("space") == ["space"]
    assert await guide.unsettled("task") == ["task"]


@runs(s53="Priority Queues")
async def test_urgent_messages_come_first(guide: Guide) -> None:
    priorities = {"background-jobs": 1, "regular-tasks": 5, "urgent-alerts": 10}
    async with guide.stepping(53) as program:
        for _ in priorities:
            await program.next()
        for queue, priority in priorities.items():
            assert (await guide.status_of(queue))["priority"] == priority
            # The guide consumes a namespace into which it has put no queue.
            await guide.queen.queue(queue).namespace("all").config({"priority": priority}).create()
            await guide.queen.queue(queue).push([{"data": [queue, n]} for n in range(2)])
        program.go()
        await guide.hurry(program.until(lambda: len(guide.printed) == 6))
    order: List[str] = [f"'data': ['{queue}', {n}]" for queue in reversed(list(priorities)) for n in range(2)]
    for line, expected in zip(guide.printed, order):
        assert line.startswith("Processing: {")
        assert expected in line
    for queue in priorities:
        assert await guide.unsettled(queue) == []
