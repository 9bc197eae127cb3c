"""A flush that fails, or that the server refuses in part."""

from __future__ import annotations

import asyncio
from typing import Any, List, Mapping, Sequence, Tuple

import pytest

from queen import PushRejectedError, Queen, QueenBufferError
from tests.scripted_server import Answer, Drop, Received, ScriptedServer, answers
from tests.unit.client.pushes import items_of, payloads, queued, refusing


async def test_a_failed_flush_keeps_its_batch_in_front_and_sends_it_again() -> None:
    script: List[Any] = [Drop(), Drop()]

    def answer(received: Received) -> Answer:
        return script.pop(0) if script else queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url, retry_attempts=0) as queen:
        queue = queen.queue("q").buffer({"message_count": 2, "time_millis": 60_000})
        await queue.push([{"data": 1}, {"data": 2}])
        with pytest.raises(QueenBufferError) as raised:
            await queen.flush_all_buffers()
        assert [item["data"] for item in raised.value.unsent] == [1, 2]
        await queue.push([{"data": 3}])
        with pytest.raises(QueenBufferError):
            await queen.flush_all_buffers()
        await queen.flush_all_buffers()
        assert payloads(server) == [[1, 2], [1, 2], [1, 2], [3]]
        assert queen.get_buffer_stats()["flushesFailed"] == 2


async def test_a_failed_flush_is_repeated_without_being_asked() -> None:
    script: List[Answer] = [Drop(), answers({"oops": True}, status=503)]
    through = asyncio.Event()

    def answer(received: Received) -> Answer:
        if script:
            return script.pop(0)
        through.set()
        return queued(received)

    async with ScriptedServer(answer) as server:
        async with Queen(server.url, retry_attempts=0, retry_delay_millis=1) as queen:
            await queen.queue("q").buffer({"message_count": 1}).push([{"data": 1}])
            await asyncio.wait_for(through.wait(), 5)
        assert payloads(server) == [[1], [1], [1]]


async def test_a_batch_whose_answer_was_lost_is_no_duplicate_of_itself() -> None:
    script: List[Answer] = [Drop()]
    duplicates: List[Any] = []

    def answer(received: Received) -> Answer:
        if script:
            return script.pop()
        return answers(
            [{"status": "duplicate", "transaction_id": item["transactionId"]} for item in items_of(received)]
        )

    async with ScriptedServer(answer) as server, Queen(server.url, retry_attempts=0) as queen:
        queue = queen.queue("q").buffer({"time_millis": 60_000})
        await queue.push([{"data": 1}]).on_duplicate(lambda items, error: duplicates.append(items))
        with pytest.raises(QueenBufferError):
            await queen.flush_all_buffers()
        await queen.flush_all_buffers()
    assert duplicates == []


async def test_what_the_server_refuses_goes_back_through_on_error() -> None:
    refused: List[Tuple[List[Any], Exception]] = []

    def on_error(items: Sequence[Mapping[str, Any]], error: Exception) -> None:
        refused.append(([item["payload"] for item in items], error))

    async with ScriptedServer(refusing("full", payload="bad")) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"time_millis": 60_000})
        await queue.push([{"data": "good"}, {"data": "bad"}]).on_error(on_error)
        await queue.push([{"data": "also good"}])
        await queen.flush_all_buffers()
        assert payloads(server) == [["good", "bad", "also good"]]
        assert queen.get_buffer_stats()["totalBufferedMessages"] == 0
    [(items, error)] = refused
    assert items == ["bad"]
    assert isinstance(error, PushRejectedError)


async def test_what_the_server_refuses_stays_where_nobody_takes_it_back() -> None:
    async with ScriptedServer(refusing("full", payload="bad")) as server:
        queen = Queen(server.url)
        queue = queen.queue("q").buffer({"message_count": 2, "max_size": 2, "time_millis": 60_000})
        await queue.push([{"data": "good"}, {"data": "bad"}])
        with pytest.raises(QueenBufferError, match="full"):
            await queen.flush_all_buffers()
        await queue.push([{"data": "next"}])
        with pytest.raises(QueenBufferError, match="the buffer is full, and the server refuses") as raised:
            await queue.push([{"data": "no room"}])
        assert [item["data"] for item in raised.value.unsent] == ["no room"]
        with pytest.raises(QueenBufferError) as closed:
            await queen.close()
        assert [item["data"] for item in closed.value.unsent] == ["bad", "next"]
