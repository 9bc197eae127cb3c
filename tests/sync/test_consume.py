"""Consuming: in which thread handlers run, what ends it, and what a handler may do."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sqlite3
import sys
import threading
from typing import Any, Iterator, List, Tuple

import pytest

from queen import ClientClosedError, ConfigurationError, LeaseLostError, Window
from queen.broker import ManualClock, open_broker
from queen.sync import Message, Queen
from tests.sync.conftest import until

QUEUE = "orders"


def push(client: Queen, count: int) -> None:
    client.queue(QUEUE).push([{"data": number, "transactionId": str(number)} for number in range(count)])


def left(client: Queen) -> List[object]:
    return [message.data for message in client.queue(QUEUE).batch(100).pop()]


def test_one_worker_is_the_thread_that_asked_for_it(client: Queen) -> None:
    push(client, 3)
    database = sqlite3.connect(":memory:")  # it refuses every other thread
    database.execute("CREATE TABLE orders (id INTEGER)")

    def handler(message: Message) -> int:
        return database.execute("INSERT INTO orders VALUES (?)", [message.data]).rowcount

    client.queue(QUEUE).limit(3).consume(handler)
    assert database.execute("SELECT id FROM orders").fetchall() == [(0,), (1,), (2,)]
    assert left(client) == []
    database.close()


def test_many_workers_are_threads_side_by_side_and_always_the_same(client: Queen) -> None:
    for partition in range(12):
        client.queue(QUEUE).partition(str(partition)).push({"data": partition})
    together = threading.Barrier(3, timeout=10)
    seen: List[Tuple[int, int]] = []

    def handler(message: Message) -> None:
        together.wait()
        seen.append((message.data, threading.get_ident()))

    client.queue(QUEUE).concurrency(3).limit(4).consume(handler)
    assert sorted(number for number, _ in seen) == list(range(12))
    assert len({thread for _, thread in seen}) == 3


def test_a_batch_is_a_list_and_callbacks_get_the_same_messages(client: Queen) -> None:
    push(client, 2)
    told: List[Any] = []

    def handler(messages: List[Message]) -> int:
        for message in messages:
            message["_status"] = message.data == 0
        return len(messages)

    def on_success(messages: List[Message], result: int) -> None:
        told.append((threading.current_thread(), result))
        assert [type(message) for message in messages] == [Message, Message]
        client.ack(messages)

    client.queue(QUEUE).batch(2).idle_millis(50).limit(2).consume(handler, on_success=on_success)
    assert told == [(threading.current_thread(), 2)]
    assert left(client) == [1]


def test_what_a_handler_raises_is_told_and_brings_the_message_again(client: Queen) -> None:
    client.queue(QUEUE).config({"retryLimit": 1}).create()
    push(client, 1)
    attempts: List[str] = []

    def handler(message: Message) -> None:
        attempts.append(message.transaction_id)
        raise StopIteration("no more") if len(attempts) == 1 else ValueError("no")

    client.queue(QUEUE).limit(2).consume(handler)
    assert attempts == ["0", "0"]
    assert [letter["errorMessage"] for letter in client.queue(QUEUE).dlq().get()["messages"]] == ["no"]

    errors: List[Exception] = []
    push(client, 0)
    client.queue(QUEUE).push({"data": 1, "transactionId": "b"})
    client.queue(QUEUE).limit(1).consume(handler, on_error=lambda message, error: errors.append(error))
    assert [str(error) for error in errors] == ["no"]


def test_an_async_function_is_refused(client: Queen) -> None:
    async def handler(message: Message) -> None: ...

    class Handler:
        async def __call__(self, message: Message) -> None: ...

    for wrong in (handler, Handler()):
        with pytest.raises(TypeError, match=r"handler=.* is async; queen\.sync calls plain functions"):
            client.queue(QUEUE).consume(wrong)
    with pytest.raises(TypeError, match=r"on_error=.* is async"):
        client.queue(QUEUE).consume(print, on_error=handler)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"on_success=.* is async"):
        client.queue(QUEUE).push([{"data": 1}], on_success=handler)  # type: ignore[arg-type]

    async def auth() -> str:
        return "token"

    with pytest.raises(ConfigurationError, match="auth is async"):
        Queen("http://localhost:1", auth=auth)
    with pytest.raises(TypeError, match="generator"):
        client.queue(QUEUE).consume(lambda message: (yield message))
    with pytest.raises(TypeError, match="handler=5"):
        client.queue(QUEUE).consume(5)  # type: ignore[arg-type]
    assert left(client) == []


def test_a_plain_function_that_returns_something_to_be_awaited_has_failed(client: Queen) -> None:
    push(client, 1)

    async def later() -> None: ...

    errors: List[Exception] = []
    client.queue(QUEUE).limit(1).consume(lambda message: later(), on_error=lambda message, error: errors.append(error))
    assert "returned something to be awaited" in str(errors[0])


def test_a_signal_finishes_the_message_at_hand_and_gives_the_others_back(client: Queen) -> None:
    push(client, 3)
    signal = threading.Event()
    seen: List[object] = []

    def handler(message: Message) -> None:
        seen.append(message.data)
        signal.set()

    client.queue(QUEUE).batch(3).each().consume(handler, signal)
    assert seen == [0]
    assert left(client) == [1, 2]


def test_a_signal_ends_a_poll_that_waits(client: Queen) -> None:
    signal = threading.Event()
    timer = threading.Timer(0.05, signal.set)
    timer.start()
    client.queue(QUEUE).timeout_millis(60_000).consume(print, signal=signal)
    timer.join()


def test_anything_that_tells_whether_it_is_set_is_a_signal_and_nothing_else(client: Queen) -> None:
    class Always:
        def is_set(self) -> bool:
            return True

    client.queue(QUEUE).consume(print, signal=Always())
    for wrong in (asyncio.Event, lambda: "SIGTERM"):
        with pytest.raises(TypeError, match=r"signal=.*threading\.Event"):
            client.queue(QUEUE).consume(print, signal=_made(wrong))


def _made(wrong: Any) -> Any:
    async def make() -> Any:
        return wrong()

    return asyncio.run(make())


def test_a_handler_may_use_the_client(client: Queen) -> None:
    push(client, 2)

    def handler(message: Message) -> None:
        client.queue("next").push({"data": message.data})
        client.transaction().ack(message).queue("last").push({"data": message.data}).commit()
        client.queue("next").limit(1).consume(lambda inner: None)

    client.queue(QUEUE).limit(2).consume(handler)
    assert left(client) == []
    assert [message.data for message in client.queue("last").batch(9).pop()] == [0, 1]


@pytest.mark.parametrize("nested", [False, True])
def test_a_handler_that_closes_the_client_is_not_waited_for(client: Queen, nested: bool) -> None:
    push(client, 1)

    def closing(message: Message) -> None:
        client.close()

    def handler(message: Message) -> None:
        client.queue("inner").push({"data": 1})
        client.queue("inner").consume(closing)

    # With the client's own patience, 30 seconds, this test would not pass.
    with pytest.raises(ClientClosedError):
        client.queue(QUEUE).consume(handler if nested else closing)


def test_a_callback_of_a_buffered_push_may_close_the_client(client: Queen) -> None:
    closed = threading.Event()

    def on_success(items: object) -> None:
        client.close()
        closed.set()

    client.queue(QUEUE).buffer({"time_millis": 1}).push({"data": 1}, on_success=on_success)
    assert closed.wait(10)


def test_closing_waits_for_the_handler_in_another_thread(client: Queen) -> None:
    push(client, 2)
    started, go_on = threading.Event(), threading.Event()
    seen: List[object] = []

    def handler(message: Message) -> None:
        started.set()
        assert go_on.wait(10)
        seen.append(message.data)

    worker = threading.Thread(target=lambda: client.queue(QUEUE).consume(handler))
    worker.start()
    assert started.wait(10)
    closer = threading.Thread(target=client.close)
    closer.start()
    go_on.set()
    closer.join()
    worker.join()
    assert seen == [0]


def test_a_lease_that_is_lost_is_told_while_the_handler_works(client: Queen) -> None:
    client.queue(QUEUE).config({"leaseTime": 1}).create()
    push(client, 1)
    lost = threading.Event()
    told: List[Tuple[List[Message], LeaseLostError, threading.Thread]] = []

    def on_lease_lost(messages: List[Message], error: LeaseLostError) -> None:
        told.append((messages, error, threading.current_thread()))
        lost.set()

    queue = client.queue(QUEUE).renew_lease(True, 20).limit(1)

    def stealing(message: Message) -> None:
        # Another one has it now: the lease that is renewed is over.
        client.admin.delete_consumer_group("billing")
        assert lost.wait(10)

    queue.group("billing").consume(stealing, on_lease_lost=on_lease_lost)
    [(messages, error, thread)] = told
    assert (messages[0].data, type(messages[0]), type(error)) == (0, Message, LeaseLostError)
    assert thread is not threading.current_thread()


def test_windows_are_handed_to_a_function_in_the_thread_of_the_caller(memory_url: str) -> None:
    clock = ManualClock()
    broker = open_broker(memory_url, clock=clock)
    with Queen(memory_url) as client:
        client.queue("clicks").create()
        client.stream("seconds", "app").sources(["clicks"]).tumbling_time(1).grace_period(0).define()
        consumer = client.consumer("seconds", "stats")
        seen: List[Tuple[Window, threading.Thread]] = []

        def callback(window: Window) -> None:
            seen.append((window, threading.current_thread()))
            consumer.stop()

        client.queue("clicks").push({"data": 1})
        clock.advance(2)
        client.queue("clicks").push({"data": 2})
        consumer.process(callback)
        assert [(window.size(), thread) for window, thread in seen] == [(1, threading.current_thread())]
        consumer.seek("-infinity")
    asyncio.run(broker.close())


def test_context_variables_of_the_caller_hold_in_the_handler(client: Queen) -> None:
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant")
    tenant.set("a")
    push(client, 1)
    seen: List[str] = []
    client.queue(QUEUE).limit(1).consume(lambda message: seen.append(tenant.get()))
    assert seen == ["a"]


def test_callbacks_of_a_buffered_push_run_beside_the_caller(client: Queen) -> None:
    told: List[str] = []

    def on_success(items: object) -> None:
        told.append(threading.current_thread().name)
        client.queue("next").push({"data": 1})

    client.queue(QUEUE).buffer({"time_millis": 1}).push({"data": 1}, on_success=on_success)
    until(lambda: client.queue("next").pop())
    assert told == ["queen-sync-worker"]


def test_a_callback_that_raises_is_logged_whatever_it_raises(client: Queen, caplog: pytest.LogCaptureFixture) -> None:
    def leaves(items: object) -> None:
        raise SystemExit(3)

    with caplog.at_level(logging.ERROR, logger="queen"):
        client.queue(QUEUE).buffer({"time_millis": 1}).push({"data": 1}, on_success=leaves)
        until(lambda: "SystemExit(3)" in caplog.text)
    assert client.queue(QUEUE).pop()


@pytest.fixture
def _quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_quick_switches")
def test_nothing_is_lost_or_handled_twice_by_many_workers(client: Queen) -> None:
    for partition in range(8):
        client.queue(QUEUE).partition(str(partition)).push([{"data": (partition, n)} for n in range(25)])
    seen: List[Tuple[int, int]] = []
    client.queue(QUEUE).concurrency(4).batch(5).each().idle_millis(200).consume(
        lambda message: seen.append(tuple(message.data))
    )
    assert sorted(seen) == [(partition, n) for partition in range(8) for n in range(25)]
    for partition in range(8):
        assert [n for of, n in seen if of == partition] == list(range(25))


def test_a_handler_that_leaves_the_program_leaves_it(client: Queen) -> None:
    push(client, 1)
    with pytest.raises(SystemExit):
        client.queue(QUEUE).consume(lambda message: _leave())
    with pytest.raises(SystemExit):
        client.queue(QUEUE).group("g").batch(1).concurrency(2).consume(lambda message: _leave())
    assert client.queue("next").push({"data": 1})


def _leave() -> None:
    raise SystemExit(1)
