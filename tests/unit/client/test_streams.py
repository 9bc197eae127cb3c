"""Windowed streams through the fluent layer, on a broker whose clock stands still."""

from __future__ import annotations

import asyncio
import itertools
import logging
from datetime import datetime, timezone
from typing import Any, AsyncIterator, Dict, List

import pytest

from queen import Queen, ServerRefusedError, UnsupportedByServerError, Window
from queen.broker import Broker, ManualClock, open_broker
from tests.scripted_server import Answer, Received, Scripted, ScriptedServer, answers

# 2026-01-31 10:20:00 UTC.
START = 1_769_854_800_000_000
_numbers = itertools.count(1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def url() -> str:
    return f"memory://streams-{next(_numbers)}"


@pytest.fixture
async def broker(url: str, clock: ManualClock) -> AsyncIterator[Broker]:
    opened = open_broker(url, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
async def queen(broker: Broker, url: str) -> AsyncIterator[Queen]:
    async with Queen(url) as client:
        yield client


async def parked(broker: Broker) -> None:
    while not broker.parked_polls:  # noqa: ASYNC110  (the broker has no event for tests)
        await asyncio.sleep(0)


async def define(queen: Queen, *, partitioned: bool = False) -> None:
    await queen.queue("events").create()
    stream = queen.stream("s", "n").sources(["events"]).tumbling_time(60).grace_period(0).lease_timeout(30)
    answer = await (stream.partitioned() if partitioned else stream).define()
    assert answer["name"] == "s"


async def closed_windows(queen: Queen, clock: ManualClock, *payloads: List[Any]) -> None:
    """Windows of a minute with these payloads, closed by a last message."""
    for window in (*payloads, ["last"]):
        await queen.queue("events").push([{"data": payload} for payload in window])
        clock.advance(60)


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


class Backoff:
    """Waits for nothing, and keeps which repeat it was asked for."""

    def __init__(self, asked: List[int]) -> None:
        self._asked = asked

    def wait_before(self, repeat: int) -> float:
        self._asked.append(repeat)
        return 0.0


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
    from queen_api.api import streams

    assert (await queen.send(streams.list_streams()))["streams"][0]["activeLeases"] == 1


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


async def test_a_partitioned_stream_refuses_to_be_moved(queen: Queen) -> None:
    await define(queen, partitioned=True)
    with pytest.raises(ValueError, match="partitioned"):
        await queen.consumer("s", "g").seek("2026-01-31T10:20:00Z")


async def test_a_stream_that_there_is_not_ends_processing(queen: Queen) -> None:
    with pytest.raises(ServerRefusedError, match="Stream not found: 'none'; define it"):
        await asyncio.wait_for(queen.consumer("none", "g").process(lambda window: None), 5)


async def test_a_server_without_streams_is_named() -> None:
    async with ScriptedServer(lambda _: Scripted(b"<html>", 404)) as server, Queen(server.url) as queen:
        with pytest.raises(UnsupportedByServerError, match=r"servers 0\.7 have POST /api/v1/stream/define"):
            await queen.stream("s", "n").sources(["q"]).define()


async def test_sources_that_do_not_exist_are_a_warning(queen: Queen, caplog: pytest.LogCaptureFixture) -> None:
    await queen.queue("there").create()
    with caplog.at_level(logging.WARNING, "queen"):
        await queen.stream("s", "n").sources(["there", "not-there"]).define()
    assert "['not-there']" in caplog.text


WINDOW: Dict[str, Any] = {
    "id": "w", "leaseId": "lease", "key": "__GLOBAL__", "messages": [],
    "start": "2026-01-31 10:20:00+00", "end": "2026-01-31 10:21:00.000000+00",
}  # fmt: skip
STREAM = {
    "name": "s", "namespace": "n", "partitioned": False, "windowDurationMs": 60000, "windowGracePeriodMs": 0,
    "windowLeaseTimeoutMs": 30,
}  # fmt: skip


class StreamServer:
    """A server with one window and a short lease, whose answers to renewals and acks a test decides on."""

    def __init__(self, renewal: Dict[str, Any]) -> None:
        self.renewal = renewal
        self.renewed = asyncio.Event()
        self.acks: List[Any] = []

    def __call__(self, received: Received) -> Answer:
        path = received.target
        if path.endswith("/renew-lease"):
            self.renewed.set()
            return answers(self.renewal)
        if path.endswith("/ack"):
            self.acks.append(received.json)
            return answers({"error": "Invalid or expired lease"})
        return answers({"window": WINDOW}) if path.endswith("/poll") else answers(STREAM)


async def test_the_lease_is_renewed_while_the_callback_runs() -> None:
    script = StreamServer({"success": True, "lease_expires_at": "2026-01-31 10:25:30+00"})
    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        consumer = queen.consumer("s", "g")

        async def callback(window: Window) -> None:
            await script.renewed.wait()
            script.renewed.clear()
            await script.renewed.wait()
            assert not window.lease_lost
            consumer.stop()

        await asyncio.wait_for(consumer.process(callback), 5)
    renewals = [request.json for request in server.received if request.target.endswith("/renew-lease")]
    assert renewals[0] == {"leaseId": "lease", "extend_ms": 30}
    assert script.acks == [{"leaseId": "lease", "success": True}]


async def test_a_lost_lease_is_told_to_the_callback_and_renewal_stops() -> None:
    script = StreamServer({"error": "Lease not found or expired"})
    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        consumer = queen.consumer("s", "g")

        async def callback(window: Window) -> None:
            while not window.lease_lost:  # noqa: ASYNC110  (handlers look at it)
                await asyncio.sleep(0)
            script.renewed.clear()
            consumer.stop()

        await asyncio.wait_for(consumer.process(callback), 5)
    renewals = [request for request in server.received if request.target.endswith("/renew-lease")]
    assert len(renewals) == 1


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda queen: queen.stream("a b", "n"), ValueError, "name='a b'"),
        (lambda queen: queen.stream("s", ""), ValueError, "namespace is empty"),
        (lambda queen: queen.stream("s", "n").sources("events"), TypeError, "list of queue names"),
        (lambda queen: queen.stream("s", "n").tumbling_time(0), ValueError, "tumbling_time=0"),
        (lambda queen: queen.stream("s", "n").tumbling_time(float("nan")), ValueError, "out of range"),
        (lambda queen: queen.stream("s", "n").grace_period(-1), ValueError, "grace_period=-1"),
        (lambda queen: queen.stream("s", "n").lease_timeout("60"), TypeError, "number of seconds"),
        (lambda queen: queen.consumer("s", ""), ValueError, "consumer_group is empty"),
    ],
)
def test_arguments_are_checked(build: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as raised:
        build(Queen("http://127.0.0.1:1"))
    assert words in str(raised.value)


async def test_process_takes_functions_of_one_argument(queen: Queen) -> None:
    with pytest.raises(TypeError, match="function of one argument"):
        await queen.consumer("s", "g").process(lambda: None)  # type: ignore[arg-type,misc]  # what is tested
    with pytest.raises(TypeError, match=r"asyncio\.Event"):
        await queen.consumer("s", "g").process(lambda window: None, signal=True)  # type: ignore[arg-type]  # tested


async def test_a_stream_without_sources_is_refused(queen: Queen) -> None:
    with pytest.raises(ValueError, match="needs queues"):
        await queen.stream("s", "n").define()


@pytest.mark.parametrize("started", [False, True])
async def test_it_can_be_stopped_before_it_has_started(queen: Queen, started: bool) -> None:
    await define(queen)
    consumer = queen.consumer("s", "g")
    task = asyncio.ensure_future(consumer.process(lambda window: None))
    if started:
        await asyncio.sleep(0)
    consumer.stop()
    await asyncio.wait_for(task, 5)


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
