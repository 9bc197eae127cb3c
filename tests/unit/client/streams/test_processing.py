"""Windows come one after the other to a callback, until it is told to stop."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import Any, List

import pytest

from queen import Queen, ServerRefusedError, Window
from queen.broker import Broker, ManualClock
from tests.scripted_server import Answer, Received, Scripted, ScriptedServer, answers
from tests.unit.client.streams.windows import STREAM, Backoff, closed_windows, define, parked


async def test_windows_come_one_after_the_other(queen: Queen, clock: ManualClock) -> None:
    await define(queen)
    await closed_windows(queen, clock, [1, 2], [], [3])
    consumer = queen.consumer("s", "g")
    seen: List[List[Any]] = []

    def callback(window: Window) -> None:
        seen.append([message["data"] for message in window.messages])
        if len(seen) == 3:
            consumer.stop()

    await asyncio.wait_for(consumer.process(callback), 5)
    assert seen == [[1, 2], [], [3]]


async def test_a_window_knows_its_time_and_key(queen: Queen, clock: ManualClock) -> None:
    await define(queen, partitioned=True)
    await queen.queue("events").partition("user-7").push([{"data": 1}])
    clock.advance(60)
    await queen.queue("events").partition("other").push([{"data": 2}])
    consumer = queen.consumer("s", "g")
    seen: List[Window] = []

    async def callback(window: Window) -> None:
        seen.append(window)
        consumer.stop()

    await asyncio.wait_for(consumer.process(callback), 5)
    [window] = seen
    assert window.key == "user-7"
    assert window.start == datetime(2026, 1, 31, 10, 20, tzinfo=timezone.utc)
    assert window.end == datetime(2026, 1, 31, 10, 21, tzinfo=timezone.utc)


async def test_a_window_whose_callback_failed_comes_again(
    queen: Queen, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: List[int] = []
    monkeypatch.setattr("queen.streaming.consumer._BACKOFF", Backoff(pauses))
    await define(queen)
    await closed_windows(queen, clock, [1])
    consumer = queen.consumer("s", "g")
    seen: List[str] = []

    def callback(window: Window) -> None:
        seen.append(window.id)
        if len(seen) < 4:
            raise RuntimeError("not yet")
        consumer.stop()

    await asyncio.wait_for(consumer.process(callback), 5)
    assert len(seen) == 4
    assert len(set(seen)) == 1
    assert pauses == [1, 2, 3]


async def test_polls_that_are_answered_end_the_growth_of_the_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: List[int] = []
    monkeypatch.setattr("queen.streaming.consumer._BACKOFF", Backoff(pauses))
    monkeypatch.setattr("queen.streaming.consumer._PAUSE_SECONDS", 0)
    polls = 0

    def script(received: Received) -> Answer:
        nonlocal polls
        if not received.target.endswith("/poll"):
            return answers(STREAM)
        polls += 1
        if polls > 8:
            signal.set()
        return answers({"error": "Poll error: busy"}) if polls % 2 else Scripted(b"")

    signal = asyncio.Event()
    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        await asyncio.wait_for(queen.consumer("s", "g").process(lambda window: None, signal=signal), 5)
    assert set(pauses) == {1}


async def test_a_seek_starts_over(queen: Queen, clock: ManualClock) -> None:
    await define(queen)
    await closed_windows(queen, clock, [1], [2])
    consumer = queen.consumer("s", "g")
    seen: List[Any] = []

    def callback(window: Window) -> None:
        seen.extend(message["data"] for message in window.messages)
        consumer.stop()

    await asyncio.wait_for(consumer.process(callback), 5)
    await consumer.seek("-infinity")
    await asyncio.wait_for(consumer.process(callback), 5)
    await consumer.seek(datetime(2026, 1, 31, 10, 21, tzinfo=timezone.utc))
    await asyncio.wait_for(consumer.process(callback), 5)
    assert seen == [1, 1, 2]
    with pytest.raises(ValueError, match="is no time"):
        await consumer.seek("yesterday-ish")


async def test_a_stream_that_there_is_not_ends_processing(queen: Queen) -> None:
    with pytest.raises(ServerRefusedError, match="Stream not found: 'none'; define it"):
        await asyncio.wait_for(queen.consumer("none", "g").process(lambda window: None), 5)


async def test_process_takes_functions_of_one_argument(queen: Queen) -> None:
    with pytest.raises(TypeError, match="function of one argument"):
        await queen.consumer("s", "g").process(lambda: None)  # type: ignore[arg-type,misc]  # what is tested
    with pytest.raises(TypeError, match=r"asyncio\.Event"):
        await queen.consumer("s", "g").process(lambda window: None, signal=True)  # type: ignore[arg-type]  # tested


async def test_of_several_consumers_in_one_client_one_waits_at_a_time(
    queen: Queen, broker: Broker, clock: ManualClock
) -> None:
    await define(queen)
    signal = asyncio.Event()
    seen: List[Any] = []

    def callback(window: Window) -> None:
        seen.extend(message["data"] for message in window.messages)
        signal.set()

    consumers = [queen.consumer("s", "g") for _ in range(5)]
    tasks = [asyncio.ensure_future(consumer.process(callback, signal=signal)) for consumer in consumers]
    await parked(broker)
    for _ in range(20):
        await asyncio.sleep(0)
    assert broker.parked_polls == 1
    await queen.queue("events").push([{"data": 1}])
    clock.advance(60)
    await queen.queue("events").push([{"data": "last"}])
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert seen == [1]


async def test_of_two_clients_in_one_process_one_waits_at_a_time(queen: Queen, url: str, broker: Broker) -> None:
    await define(queen)
    signal = asyncio.Event()
    async with Queen(url) as other:
        tasks = [
            asyncio.ensure_future(client.consumer("s", "g").process(lambda window: None, signal=signal))
            for client in (queen, other)
        ]
        await parked(broker)
        for _ in range(20):
            await asyncio.sleep(0)
        assert broker.parked_polls == 1
        signal.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
