"""Forks, and the end of a program that never closes its client."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Callable

import pytest

from queen import WrongEventLoopError
from queen.sync import Queen

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def in_child(work: Callable[[], object]) -> int:
    """The exit status of a forked child: 0 when it did some work, 1 when that raised."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


@needs_fork
def test_a_client_that_was_used_before_the_fork_is_refused_in_the_child(broker_url: str) -> None:
    with Queen(broker_url) as client:
        client.queue("forked-sync").create()
        [message] = client.queue("forked-sync").push({"data": 1}) and client.queue("forked-sync").pop()

        def work() -> None:
            for call in (client.queue("forked-sync").pop, message.ack, client.flush_all_buffers):
                with pytest.raises(WrongEventLoopError, match="make a new Queen here"):
                    call()
            client.get_buffer_stats()
            client.close()

        assert in_child(work) == 0
        assert message.ack()["success"]
        client.queue("forked-sync").delete()


@needs_fork
def test_a_client_that_was_not_used_yet_works_in_parent_and_child(broker_url: str) -> None:
    with Queen(broker_url) as client:

        def work() -> None:
            client.queue("unused").push({"data": "of the child"})
            client.close()

        assert in_child(work) == 0
        [message] = client.queue("unused").pop()
        assert message.data == "of the child"
        client.queue("unused").delete()


@needs_fork
def test_a_child_may_have_a_broker_of_its_own(client: Queen, memory_url: str) -> None:
    client.queue("orders").push({"data": 1})

    def work() -> None:
        with Queen(memory_url) as own:
            assert own.queue("orders").pop() == []
            own.queue("orders").push({"data": 2})
            assert [message.data for message in own.queue("orders").pop()] == [2]

    assert in_child(work) == 0
    assert [message.data for message in client.queue("orders").pop()] == [1]


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "default", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize("kept", ["queen = Queen(URL)", "Queen(URL)"])
@pytest.mark.parametrize("where", ["memory", "socket"])
def test_a_program_that_never_closes_its_client_ends_and_is_told_what_it_loses(
    kept: str, where: str, broker_url: str
) -> None:
    program = """
import sys, threading, time
from queen.sync import Queen
URL = sys.argv[1]
def main():
    queen = Queen(URL)
    queen.queue("unclosed").create()
    queen.queue("unclosed").push({"data": 1})
    queen.queue("unclosed").buffer({"time_millis": 60000}).push([{"data": 2}])
    threading.Thread(target=lambda: queen.queue("empty").consume(print), daemon=True).start()
    while not queen._portal._calls:
        time.sleep(0.001)
    return queen
client = main()
print("end")
"""
    done = run(program, "memory://" if where == "memory" else broker_url)
    assert (done.stdout, done.returncode) == ("end\n", 0), done.stderr
    assert "1 buffered messages are lost: the client was never closed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_background_thread_that_consumes_does_not_keep_a_program_alive() -> None:
    program = """
import threading, time
from queen.sync import Queen
queen = Queen("memory://")
queen.queue("orders").push({"data": 1})
started = threading.Event()
def handler(message):
    started.set()
    time.sleep(60)
threading.Thread(target=lambda: queen.queue("orders").consume(handler), daemon=True).start()
started.wait()
print("end")
"""
    done = run(program)
    assert (done.stdout, done.returncode) == ("end\n", 0), done.stderr


def test_a_client_may_be_closed_at_the_exit_of_the_program(broker_url: str) -> None:
    program = """
import atexit, sys
from queen.sync import Queen
queen = Queen(sys.argv[1])
atexit.register(queen.close)
queen.queue("exit").buffer({"time_millis": 60000}).push([{"data": "of the end"}])
"""
    done = run(program, broker_url)
    assert (done.returncode, done.stderr) == (0, "")
    with Queen(broker_url) as client:
        assert [message.data for message in client.queue("exit").pop()] == ["of the end"]
        client.queue("exit").delete()


def test_a_client_that_is_closed_after_the_exit_of_its_program_raises_nothing() -> None:
    program = """
import atexit
closing = []
atexit.register(lambda: closing[0].close())
from queen.sync import Queen
closing.append(Queen("memory://"))
closing[0].admin.list_queues()
"""
    done = run(program)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Traceback" not in done.stderr
