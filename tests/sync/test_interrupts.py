"""Ctrl-C: a real SIGINT reaches the caller at once, and the client goes on working."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from queen import ClientClosedError
from queen.sync import Message, Queen

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent by POSIX means")

PROGRAM = """
import signal, sys, threading, time
from queen.sync import Queen

# As a shell starts it: a program that was started with SIGINT ignored would go on.
signal.signal(signal.SIGINT, signal.default_int_handler)

def ready():
    print("ready", flush=True)

def poll(queen):
    threading.Timer(0.05, ready).start()
    queen.queue("orders").wait().timeout_millis(60_000).pop()

def wait_in_consume(queen):
    threading.Timer(0.05, ready).start()
    queen.queue("orders").consume(print)

def wait_in_consume_with_workers(queen):
    threading.Timer(0.05, ready).start()
    queen.queue("orders").concurrency(3).consume(print)

def in_a_handler(queen):
    def handler(message):
        ready()
        time.sleep(60)
    queen.queue("orders").push({"data": 1})
    queen.queue("orders").consume(handler)

with Queen("memory://") as queen:
    queen.queue("orders").create()
    try:
        globals()[sys.argv[1]](queen)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    print(queen.queue("others").push({"data": 2})[0]["status"], queen.queue("others").pop()[0].ack()["success"])
    print([(letter["data"]) for letter in queen.queue("orders").dlq().get()["messages"]])
print([thread.name for thread in threading.enumerate() if thread.name.startswith("queen-sync-")], flush=True)
"""


@pytest.mark.parametrize("where", ["poll", "wait_in_consume", "wait_in_consume_with_workers", "in_a_handler"])
def test_an_interrupt_is_raised_at_once(where: str) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        took = time.monotonic() - sent
        out, errors = process.communicate(timeout=20)
    assert (out, errors, process.returncode) == ("queued True\n[]\n[]\n", "", 0)
    assert took < 1, took


def test_an_interrupt_settles_nothing_as_a_cancelled_task_does(client: Queen) -> None:
    client.queue("orders").push([{"data": 1}])
    errors = []

    def handler(message: Message) -> None:
        raise KeyboardInterrupt

    queue = client.queue("orders").group("billing").renew_lease(True, 10)
    with pytest.raises(KeyboardInterrupt):
        queue.consume(handler, on_lease_lost=lambda messages, error: errors.append(error))
    assert queue.pop() == []  # it is leased: neither acknowledged nor given back
    assert client.queue("orders").dlq("billing").get()["total"] == 0
    assert not errors


def test_a_close_that_is_interrupted_may_be_said_again(memory_url: str) -> None:
    client = Queen(memory_url)
    client.queue("orders").push([{"data": 1}])
    started = threading.Event()
    go_on = threading.Event()

    def handler(message: Message) -> None:
        started.set()
        assert go_on.wait(10)

    def work() -> None:
        # The first close was ended before it had waited for the handler, and has closed the connections.
        with contextlib.suppress(ClientClosedError):
            client.queue("orders").limit(1).consume(handler)

    worker = threading.Thread(target=work)
    worker.start()
    assert started.wait(10)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        client.close()
    timer.join()
    go_on.set()
    client.close()
    worker.join()


def test_no_signal_handler_is_installed(client: Queen) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    client.queue("orders").push([{"data": 1}])
    client.queue("orders").limit(1).consume(lambda message: None)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
