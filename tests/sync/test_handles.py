"""A consumer that runs beside the program, and how servers are."""

from __future__ import annotations

import json
import logging
import threading
from typing import List

import pytest

from queen import ClientClosedError
from queen.sync import ConsumerHandle, Message, Queen
from tests.sync.conftest import queen_threads, until

QUEUE = "orders"


def test_it_works_in_threads_of_its_own_and_tells_how_it_is(client: Queen) -> None:
    client.queue(QUEUE).push([{"data": number} for number in range(3)])
    seen: List[threading.Thread] = []

    def handler(message: Message) -> None:
        seen.append(threading.current_thread())
        client.queue("next").push({"data": message.data})

    with client.queue(QUEUE).group("billing").start_consuming(handler) as handle:
        assert isinstance(handle, ConsumerHandle)
        until(lambda: handle.handled == 3)
        assert handle.running
        assert handle.last_poll_at is not None
        assert handle.lag()["messages"] == 0
        assert json.loads(json.dumps(handle.status()))["name"] in repr(handle)
    assert not handle.running
    assert threading.current_thread() not in seen
    assert len(set(seen)) == 1
    assert [message.data for message in client.queue("next").batch(9).pop()] == [0, 1, 2]


def test_it_ends_by_stop_signal_and_limit(client: Queen) -> None:
    signal = threading.Event()
    stopped = client.queue("a").start_consuming(print)
    signalled = client.queue("b").concurrency(2).start_consuming(print, signal)
    client.queue("c").push({"data": 1})
    limited = client.queue("c").limit(1).start_consuming(lambda message: None)
    stopped.stop()
    signal.set()
    for handle in (stopped, signalled, limited):
        handle.stopped()
        assert not handle.running


def test_closing_the_client_ends_it_after_what_is_at_hand(client: Queen) -> None:
    client.queue(QUEUE).push([{"data": 1}, {"data": 2}])
    started, go_on = threading.Event(), threading.Event()
    seen: List[object] = []

    def handler(message: Message) -> None:
        started.set()
        assert go_on.wait(10)
        seen.append(message.data)

    handle = client.queue(QUEUE).start_consuming(handler)
    assert started.wait(10)
    assert handle.in_hand == 1
    closer = threading.Thread(target=client.close)
    closer.start()
    go_on.set()
    closer.join()
    assert (seen, handle.running, handle.status()["handled"]) == ([1], False, 1)
    handle.stop()
    with pytest.raises(ClientClosedError):
        client.queue(QUEUE)
    with pytest.raises(ClientClosedError):
        handle.lag()


def test_what_ends_it_is_logged_and_raised_to_whoever_waits(client: Queen, caplog: pytest.LogCaptureFixture) -> None:
    client.queue(QUEUE).push({"data": 1})

    def handler(message: Message) -> None:
        client.close()

    with caplog.at_level(logging.ERROR, logger="queen"):
        handle = client.queue(QUEUE).start_consuming(handler)
        with pytest.raises(ClientClosedError):
            handle.stopped()
        until(lambda: not queen_threads())


def test_wrong_callbacks_are_refused_and_nothing_is_begun(client: Queen) -> None:
    with pytest.raises(TypeError, match=r"on_error=.*accepted is a function of 2 arguments"):
        client.queue(QUEUE).start_consuming(print, on_error=lambda: None)  # type: ignore[misc, arg-type]
    client.close()
    with pytest.raises(ClientClosedError):
        client.queue(QUEUE)


def test_a_closed_client_begins_nothing(client: Queen) -> None:
    queue = client.queue(QUEUE)
    queue.create()
    client.close()
    with pytest.raises(ClientClosedError):
        queue.start_consuming(print)


def test_each_server_tells_how_it_is(broker_url: str) -> None:
    with Queen([broker_url, "http://127.0.0.1:9"]) as client:
        up, down = client.health(timeout_millis=2000)
    assert (up["reachable"], down["reachable"]) == (True, False)
