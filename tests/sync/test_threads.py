"""One client in many threads, and the one thread in which it cannot be used."""

from __future__ import annotations

import asyncio
import gc
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import List

import pytest

from queen import QueenTimeoutError, ServerRefusedError, TokenUnavailableError, WrongEventLoopError
from queen.sync import Queen
from tests.scripted_server import Hang, ScriptedServer, answers
from tests.sync.conftest import queen_threads, until


@pytest.mark.parametrize("where", ["memory", "socket"])
def test_many_threads_share_a_client(where: str, memory_url: str, broker_url: str) -> None:
    name = f"threads-{where}"
    with Queen(memory_url if where == "memory" else broker_url) as client, ThreadPoolExecutor(8) as threads:

        def work(number: int) -> List[object]:
            queue = client.queue(name).partition(str(number))
            queue.push([{"data": (number, place)} for place in range(5)])
            messages = queue.batch(5).pop()
            assert all(result["success"] for result in client.ack(messages, True))
            return [message.data for message in messages]

        found = list(threads.map(work, range(40)))
        client.queue(name).delete()
    assert found == [[[number, place] for place in range(5)] for number in range(40)]


def test_the_first_calls_of_many_threads_start_one_loop(memory_url: str) -> None:
    together = threading.Barrier(8)

    def work(client: Queen) -> int:
        together.wait()
        client.queue("orders").push({"data": 1})
        return len([thread for thread in queen_threads() if thread.name == "queen-sync"])

    with Queen(memory_url) as client, ThreadPoolExecutor(8) as threads:
        assert set(threads.map(work, [client] * 8)) == {1}


def test_clients_of_one_embedded_broker_work_side_by_side(memory_url: str) -> None:
    with Queen(memory_url) as one, Queen(memory_url) as other:
        one.queue("orders").create()
        with ThreadPoolExecutor(1) as threads:
            popping = threads.submit(lambda: other.queue("orders").wait().pop())
            until(lambda: len(other._portal._calls) == 1)
            one.queue("orders").push({"data": 1})
            assert [message.data for message in popping.result()] == [1]


def test_closing_one_client_leaves_the_others_alone(memory_url: str) -> None:
    with Queen(memory_url) as one:
        one.queue("orders").create()
        with Queen(memory_url) as other:
            other.queue("orders").push({"data": 1})
        assert one.queue("orders").pop()[0].ack()["success"]


def test_a_client_can_be_used_where_an_event_loop_runs(client: Queen) -> None:
    async def cell_of_a_notebook() -> object:
        client.queue("orders").push({"data": 1})
        return client.queue("orders").pop()[0].data

    assert asyncio.run(cell_of_a_notebook()) == 1


def test_the_thread_of_the_loop_is_refused(client: Queen) -> None:
    client.queue("orders").create()
    errors: List[Exception] = []
    called = threading.Event()

    def in_the_loop() -> None:
        try:
            client.queue("orders").pop()
        except WrongEventLoopError as error:
            errors.append(error)
        called.set()

    thread = client._portal._thread
    assert thread is not None
    thread.post(in_the_loop)
    assert called.wait(10)
    assert "cannot wait for itself" in str(errors[0])


def test_what_leaves_the_program_leaves_it_and_not_the_loop(client: Queen) -> None:
    async def hook() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        client._portal.run(hook())
    client.queue("orders").push([{"data": 1}])
    assert client.queue("orders").pop()[0].data == 1


async def test_a_function_that_gives_tokens_runs_in_a_thread_and_may_use_the_client(memory_url: str) -> None:
    def work(url: str) -> None:
        with Queen(memory_url) as vault:
            vault.queue("tokens").push({"data": "secret"})

            def auth() -> str:
                assert threading.current_thread() in queen_threads()
                return str(vault.queue("tokens").pop()[0].data)

            with Queen(url, auth=auth) as client:
                client.queue("orders").push({"data": 1})

    async with ScriptedServer(lambda received: answers([{"status": "queued"}])) as server:
        await asyncio.get_running_loop().run_in_executor(None, work, server.url)
        assert server.received[0].headers["authorization"] == "Bearer secret"


async def test_failures_of_the_transport_are_those_of_the_async_client() -> None:
    def failing() -> str:
        raise OSError("no vault")

    def work(url: str) -> None:
        with Queen(url, auth=failing) as client, pytest.raises(TokenUnavailableError) as raised:
            client.queue("orders").push({"data": 1})
        assert isinstance(raised.value.__cause__, OSError)
        with Queen(url, timeout_millis=50, retry_attempts=0) as client, pytest.raises(QueenTimeoutError):
            client.queue("orders").create()

    async with ScriptedServer(lambda received: Hang()) as server:
        await asyncio.get_running_loop().run_in_executor(None, work, server.url)


def test_an_error_shows_the_call_first_and_then_where_it_came_from(client: Queen) -> None:
    def of_the_user() -> None:
        client.queue("orders").pop()
        client.admin.get_message("01a21051-57fa-7000-8000-01dfd1f4a099", "unknown")

    with pytest.raises(ServerRefusedError) as raised:
        of_the_user()
    names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert names[1:3] == ["of_the_user", "get_message"]
    assert names[-1] not in ("run", "_result")


def test_a_client_that_nobody_has_any_more_ends_its_thread(memory_url: str) -> None:
    client = Queen(memory_url)
    client.queue("orders").buffer({"time_millis": 60_000}).push({"data": 1})
    assert queen_threads()
    left = [client]
    del client
    with pytest.warns(RuntimeWarning, match="1 buffered messages are lost: the client was never closed"):
        _drop(left)


def _drop(clients: List[Queen]) -> None:
    clients.clear()
    gc.collect()
    until(lambda: not queen_threads())
    gc.collect()


def test_a_message_keeps_what_it_acts_through(memory_url: str) -> None:
    client = Queen(memory_url)
    client.queue("orders").push({"data": 1})
    [message] = client.queue("orders").pop()
    del client
    gc.collect()
    assert message.ack()["success"]
