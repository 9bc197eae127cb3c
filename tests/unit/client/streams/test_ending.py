"""Processing ends by its signal, by the client, by cancellation."""

from __future__ import annotations

import asyncio
from typing import Any, List

import pytest
from queen_api.api import streams

from queen import Queen, Window
from queen.broker import Broker, ManualClock
from tests.scripted_server import Answer, Received, ScriptedServer
from tests.unit.client.streams.windows import StreamServer, closed_windows, define, parked


async def test_the_signal_ends_processing_after_the_window_at_hand(queen: Queen, clock: ManualClock) -> None:
    await define(queen)
    await closed_windows(queen, clock, [1], [2])
    signal, started, finish = asyncio.Event(), asyncio.Event(), asyncio.Event()
    seen: List[Any] = []

    async def callback(window: Window) -> None:
        started.set()
        await finish.wait()
        seen.extend(message["data"] for message in window.messages)

    task = asyncio.ensure_future(queen.consumer("s", "g").process(callback, signal=signal))
    await started.wait()
    signal.set()
    finish.set()
    await asyncio.wait_for(task, 5)
    assert seen == [1]
    consumer = queen.consumer("s", "g")

    def second(window: Window) -> None:
        seen.extend(message["data"] for message in window.messages)
        consumer.stop()

    await asyncio.wait_for(consumer.process(second), 5)
    assert seen == [1, 2]


async def test_a_parked_poll_ends_with_the_signal(queen: Queen, broker: Broker) -> None:
    await define(queen)
    signal = asyncio.Event()
    task = asyncio.ensure_future(queen.consumer("s", "g").process(lambda window: None, signal=signal))
    await parked(broker)
    signal.set()
    await asyncio.wait_for(task, 5)


async def test_closing_the_client_ends_processing(url: str, broker: Broker) -> None:
    queen = Queen(url)
    await define(queen)
    task = asyncio.ensure_future(queen.consumer("s", "g").process(lambda window: None))
    await parked(broker)
    await queen.close()
    await asyncio.wait_for(task, 5)


async def test_cancellation_settles_nothing(queen: Queen, clock: ManualClock) -> None:
    await define(queen)
    await closed_windows(queen, clock, [1])
    started = asyncio.Event()

    async def callback(window: Window) -> None:
        started.set()
        await asyncio.get_running_loop().create_future()

    task = asyncio.ensure_future(queen.consumer("s", "g").process(callback))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await queen.send(streams.list_streams()))["streams"][0]["activeLeases"] == 1


@pytest.mark.parametrize("started", [False, True])
async def test_it_can_be_stopped_before_it_has_started(queen: Queen, started: bool) -> None:
    await define(queen)
    consumer = queen.consumer("s", "g")
    task = asyncio.ensure_future(consumer.process(lambda window: None))
    if started:
        await asyncio.sleep(0)
    consumer.stop()
    await asyncio.wait_for(task, 5)


async def test_a_window_that_comes_when_processing_ends_is_given_back() -> None:
    script = StreamServer({"success": True})
    release, parked_poll = asyncio.Event(), asyncio.Event()

    async def answer(received: Received) -> Answer:
        if received.target.endswith("/poll"):
            parked_poll.set()
            await release.wait()
        return script(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        consumer = queen.consumer("s", "g")
        task = asyncio.ensure_future(consumer.process(lambda window: None))
        await asyncio.wait_for(parked_poll.wait(), 5)
        consumer.stop()
        release.set()
        await asyncio.wait_for(task, 5)
    assert script.acks == [{"leaseId": "lease", "success": False}]
