"""Transactions, Request-Reply Pattern, Pipeline Pattern."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from queen import TransactionError
from tests.guide.bindings import runs
from tests.guide.harness import Calls, Guide, data
from tests.guide.program import alongside

TRANSACTION = "POST /api/v1/transaction"


@runs(s31="Basic Transaction")
async def test_the_input_is_acknowledged_and_the_output_pushed(guide: Guide) -> None:
    await guide.queen.queue("raw-data").push([{"data": 20}, {"data": 30}])
    await guide.run(31, transform_data=Calls(doubled))
    assert data(await guide.stored("processed-data")) == [40]
    assert await guide.unsettled("raw-data") == [30]
    assert guide.door.count(TRANSACTION) == 1


async def test_nothing_happens_when_the_transaction_is_refused(guide: Guide) -> None:
    await guide.queen.queue("raw-data").config({"leaseTime": 10}).create()
    await guide.queen.queue("raw-data").push([{"data": 20}])

    def too_late(n: int) -> int:
        guide.time.advance(11)
        return 2 * n

    with pytest.raises(TransactionError):
        await guide.run(31, transform_data=Calls(too_late))
    assert await guide.stored("processed-data") == []
    assert await guide.unsettled("raw-data") == [20]


@runs(s32="Multi-Queue Pipeline")
async def test_one_transaction_reaches_several_queues(guide: Guide) -> None:
    await guide.queen.queue("queue-a").push([{"data": {"step": 1}}])
    await guide.run(32)
    assert data(await guide.stored("queue-b")) == data(await guide.stored("queue-c")) == [{"step": 2}]
    assert await guide.unsettled("queue-a") == []
    assert guide.door.count(TRANSACTION) == 1


@runs(s33="Batch Transaction")
async def test_a_batch_is_acknowledged_and_its_results_pushed_at_once(guide: Guide) -> None:
    await guide.queen.queue("inputs").push([{"data": n} for n in range(12)])
    await guide.run(33, process=Calls(doubled))
    assert data(await guide.stored("outputs")) == [2 * n for n in range(10)]
    assert await guide.unsettled("inputs") == [10, 11]
    assert guide.door.count(TRANSACTION) == 1


@runs(s34="Transaction with Consumer")
async def test_a_consumer_settles_by_transactions(guide: Guide) -> None:
    await guide.queen.queue("source").push([{"data": n} for n in range(3)])
    async with guide.running(34, process_message=Calls(doubled)) as program:
        await program.until(lambda: guide.door.count(TRANSACTION) == 3)
    assert data(await guide.stored("destination")) == [0, 2, 4]
    assert await guide.unsettled("source") == []
    assert guide.door.count("POST /api/v1/ack") == 0


@runs(s66="Request-Reply Pattern")
async def test_a_request_gets_its_reply(guide: Guide) -> None:
    names = await guide.run(66, process=Calls(lambda request: {"done": request["action"]}))
    async with alongside(names["worker"]()):
        await guide.hurry(names["make_request"]())
    [request], [reply] = await guide.stored("requests"), await guide.stored("replies")
    correlation = request.data["correlationId"]
    assert reply.data == {"correlationId": correlation, "result": {"done": "process"}}
    assert guide.printed == [f"Got reply: {reply.data}"]
    for queue in ("requests", "replies"):
        assert await guide.unsettled(queue) == []


@runs(s67="Pipeline Pattern")
async def test_a_pipeline_hands_every_event_on(guide: Guide) -> None:
    await guide.queen.queue("raw-events").push([{"data": {"userId": n}} for n in range(25)])
    process = Calls(lambda event: {**event, "processed": True})
    async with guide.running(67, process=process) as program:
        await program.until(lambda: guide.door.count("POST /api/v1/push") == 1 + 25)
    processed: List[Dict[str, Any]] = [{"userId": n, "processed": True} for n in range(25)]
    assert data(await guide.stored("processed-events")) == processed
    assert data(await guide.stored("notifications")) == [{"userId": n, "message": "Done!"} for n in range(25)]
    assert guide.door.count(TRANSACTION) == 3
    assert await guide.unsettled("raw-events", "processors") == []
    assert await guide.unsettled("processed-events", "notifiers") == []


def doubled(n: int) -> int:
    return 2 * n
