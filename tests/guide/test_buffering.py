"""Client-Side Buffering, High-Throughput Ingestion, Performance Issues."""

from __future__ import annotations

import ast
from typing import Any, Dict, List

from tests.guide.bindings import runs
from tests.guide.harness import Guide, data
from tests.guide.program import PLACEHOLDER, settle, until

PUSH = "POST /api/v1/push"


@runs(s13="Client-Side Buffering (High Performance)")
async def test_ten_thousand_messages_go_out_in_few_requests(guide: Guide) -> None:
    await check_ten_thousand(guide, 13)


@runs(s36="High-Throughput Example")
async def test_ten_thousand_messages_keep_their_order(guide: Guide) -> None:
    await check_ten_thousand(guide, 36)


@runs(s35="Basic Buffering")
async def test_a_buffer_is_sent_after_a_second(guide: Guide) -> None:
    await guide.run(35)
    await settle()
    assert guide.door.count(PUSH) == 0
    assert await guide.stored("logs") == []
    guide.time.advance(1)
    await until(lambda: guide.door.count(PUSH) == 1)
    assert data(await guide.stored("logs")) == [{"level": "info", "message": "User logged in"}]


async def test_a_buffer_is_sent_when_it_is_full(guide: Guide) -> None:
    for _ in range(100):
        assert guide.door.count(PUSH) == 0
        await guide.run(35)
    await settle()
    assert guide.door.count(PUSH) == 1
    assert len(await guide.stored("logs")) == 100


@runs(s37="Manual Flush")
async def test_buffers_are_flushed_all_together_or_by_queue(guide: Guide) -> None:
    async def fill() -> None:
        for queue in ("my-queue", "other"):
            await guide.queen.queue(queue).buffer({"message_count": 100}).push([{"data": 1}, {"data": 2}])

    await fill()
    async with guide.stepping(37) as program:
        await program.next()
        assert data(await guide.stored("my-queue")) == data(await guide.stored("other")) == [1, 2]

        await fill()
        await program.next()
        assert data(await guide.stored("my-queue")) == [1, 2, 1, 2]
        assert data(await guide.stored("other")) == [1, 2]
        await program.finish()
    [line] = guide.printed
    stats = ast.literal_eval(line[len("Buffers: ") :])
    assert (stats["activeBuffers"], stats["totalBufferedMessages"]) == (1, 2)


@runs(s78="High-Throughput Ingestion")
async def test_ingesting_sends_everything(guide: Guide) -> None:
    ingest = (await guide.run(78))["ingest"]
    await ingest([{"id": n} for n in range(1200)])
    assert data(await guide.stored("events")) == [{"id": n} for n in range(1200)]
    assert guide.door.count(PUSH) < 30


@runs(s84="Performance Issues")
async def test_buffered_pushes_batches_and_statistics(guide: Guide) -> None:
    sizes: List[int] = []

    async def handler(messages: List[Any]) -> None:
        sizes.append(len(messages))

    items: List[Dict[str, Any]] = [{"data": n} for n in range(500)]
    async with guide.running(84, handler=handler, **{PLACEHOLDER: items}) as program:
        # The buffer was full, so that everything is there without a flush.
        await program.until(lambda: sum(sizes) == 500)
        await program.interrupt()
    assert set(sizes) == {50}
    assert await guide.unsettled("q") == []
    [line] = guide.printed
    assert ast.literal_eval(line)["totalBufferedMessages"] == 0


async def check_ten_thousand(guide: Guide, number: int) -> None:
    await guide.run(number)
    stored = await guide.stored("events")
    assert [message.data["id"] for message in stored] == list(range(10_000))
    assert all(isinstance(message.data["timestamp"], float) for message in stored)
    # "10x-100x faster than individual pushes": at least a hundred messages in one request.
    assert guide.door.count(PUSH) <= 100
