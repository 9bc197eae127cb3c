"""A client belongs to one event loop and one process, and says so; a closed one says that."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from typing import Any, Dict, List

import pytest

from queen import ClientClosedError, Message, Queen, QueenBufferError, WrongEventLoopError
from tests.cancellation.calls import Call, calls
from tests.hostile.driver import in_a_loop_of_its_own

NAMES = [
    "push", "push of nothing", "buffered push", "flush", "flush of a queue", "pop", "long poll",
    "pop of a namespace", "pop of a new group", "consume", "ack", "ack of a list", "ack of nothing",
    "ack of a message", "nack of a message", "renew", "renew of nothing", "renew of a message", "commit of a push",
    "commit of an ack", "dead letters", "redrive", "purge", "create", "delete", "define a stream", "process a stream",
    "seek a stream", "delete a group", "move a group", "send", "overview", "listing", "messages", "groups",
    "metrics",
]  # fmt: skip


async def message_of(queen: Queen) -> Message:
    await queen.queue("q").push([{"data": 1}])
    [message] = await queen.queue("q").pop()
    return message


async def outcomes(made: Dict[str, Call]) -> Dict[str, str]:
    """What each call raises."""
    found = {}
    for name, call in made.items():
        try:
            await call()
        except Exception as error:  # noqa: BLE001  (whatever it is, the test shows it)
            found[name] = type(error).__name__
        else:
            found[name] = "nothing"
    return found


async def test_every_call_of_a_closed_client_says_that_it_is_closed() -> None:
    queen = Queen("memory://")
    message = await message_of(queen)
    made = calls(queen, message)
    assert list(made) == NAMES
    await queen.close()
    of_buffers = {"buffered push": "BufferClosedError", "push of nothing": "BufferClosedError"}
    assert await outcomes(made) == {**dict.fromkeys(NAMES, "ClientClosedError"), **of_buffers}
    for entry in (
        lambda: queen.queue("q"),
        queen.transaction,
        lambda: queen.stream("s", "n"),
        lambda: queen.consumer("s", "g"),
    ):
        with pytest.raises(ClientClosedError):
            entry()
    assert "closed" in str((await message.trace({"data": 1}))["error"])


async def test_a_push_into_a_buffer_of_a_closed_client_hands_its_messages_back() -> None:
    queen = Queen("memory://")
    queue = queen.queue("q").buffer()
    await queen.close()
    with pytest.raises(ClientClosedError) as raised:
        await queue.push([{"data": "mine"}])
    assert [item["data"] for item in raised.value.unsent] == ["mine"]


def test_every_call_in_a_second_event_loop_says_that_the_client_is_of_another() -> None:
    made: Dict[str, Call] = {}
    queen = Queen("memory://")

    async def first() -> None:
        made.update(calls(queen, await message_of(queen)))

    async def second() -> None:
        assert await outcomes(made) == dict.fromkeys(NAMES, "WrongEventLoopError")
        with pytest.raises(WrongEventLoopError, match="is closed; make one Queen in each event loop"):
            await queen.close()

    in_a_loop_of_its_own(first())
    in_a_loop_of_its_own(second())


@pytest.mark.sockets
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_what_was_buffered_in_a_loop_that_is_over_is_handed_back(broker_url: str) -> None:
    use_in_two_loops(broker_url)
    # The loop that is gone has closed no socket: that is told here, and not in the middle of another test.
    gc.collect()


def use_in_two_loops(broker_url: str) -> None:
    queen = Queen(broker_url)

    async def first() -> None:
        await queen.queue("over").create()
        await queen.queue("over").buffer({"time_millis": 60_000}).push([{"data": "held"}])

    async def second() -> None:
        for late in (queen.queue("over"), queen.queue("over").buffer()):
            with pytest.raises(WrongEventLoopError) as raised:
                await late.push([{"data": "late"}])
            assert [item["data"] for item in raised.value.unsent] == ["late"]
        with pytest.raises(WrongEventLoopError) as raised:
            await queen.close()
        assert [item["data"] for item in raised.value.unsent] == ["held"]
        await queen.close()
        with pytest.raises(ClientClosedError):
            queen.queue("over")

    in_a_loop_of_its_own(first())
    in_a_loop_of_its_own(second())


@pytest.mark.sockets
async def test_a_second_loop_in_another_thread_is_refused_and_disturbs_nobody(broker_url: str) -> None:
    refused: List[str] = []

    def elsewhere() -> None:
        async def use() -> None:
            for call in (
                queen.queue("threads").pop,
                queen.close,
                lambda: queen.queue("threads").buffer().push({"data": 0}),
            ):
                with pytest.raises(WrongEventLoopError, match="is still there") as raised:
                    await call()
                refused.append(raised.value.operation)

        asyncio.run(use())

    async with Queen(broker_url) as queen:
        await queen.queue("threads").create()
        await queen.queue("threads").buffer({"time_millis": 60_000}).push([{"data": "held"}])
        thread = threading.Thread(target=elsewhere)
        thread.start()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        assert refused == ["pop", "close", "push"]
        await queen.flush_all_buffers()
        [message] = await queen.queue("threads").pop()
        assert message.data == "held"
        assert (await message.ack())["success"]


async def test_a_client_can_be_made_outside_of_its_loop() -> None:
    made: List[Queen] = []
    thread = threading.Thread(target=lambda: made.append(Queen("memory://")))
    thread.start()
    thread.join()
    async with made[0] as queen:
        assert (await queen.queue("q").push({"data": 1}))[0]["status"] == "queued"


FORKED = """
import asyncio, os, socket, sys
from queen import Queen, WrongEventLoopError

async def send(queen, data):
    await queen.queue("forked").push([{"data": data}])

async def refused(queen):
    for call in (queen.queue("forked").pop, queen.queue("forked").buffer().push({"data": 0}).__await__):
        try:
            await call() if not hasattr(call, "__self__") or call.__name__ == "pop" else await call.__self__
        except WrongEventLoopError as error:
            assert "forked" in str(error) and "make a new Queen" in str(error), error
        else:
            raise AssertionError("accepted")
    await queen.close()

def child_of(work):
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status

url, engine = sys.argv[1:]
unused = Queen(url, engine=engine)

async def use_unused():
    async with unused:
        await send(unused, "from the child")

child_of(lambda: asyncio.run(use_unused()))

async def parent():
    async with unused:
        await send(unused, "before")
        await unused.queue("forked").buffer({"time_millis": 60000}).push([{"data": "buffered"}])
    return Queen(url, engine=engine)

loop = asyncio.new_event_loop()
queen = loop.run_until_complete(parent())
loop.run_until_complete(send(queen, "parent's connection is open"))
loop.run_until_complete(queen.queue("forked").buffer({"time_millis": 60000}).push([{"data": "parent's buffer"}]))

def child():
    asyncio.set_event_loop(None)
    asyncio.run(refused(queen))

    async def fresh():
        async with Queen(url, engine=engine) as own:
            await send(own, "fresh")

    asyncio.run(fresh())

child_of(child)
loop.run_until_complete(send(queen, "after"))
loop.run_until_complete(queen.close())

embedded = Queen("memory://")

def of_embedded():
    async def use():
        try:
            await embedded.queue("q").pop()
        except WrongEventLoopError:
            return
        raise AssertionError("accepted")
    asyncio.run(use())

child_of(of_embedded)
loop.run_until_complete(embedded.close())
loop.close()
"""


@pytest.mark.sockets
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
async def test_a_child_process_uses_no_connection_of_its_parent(
    broker_url: str, pytestconfig: Any, request: Any
) -> None:
    engine = request.node.callspec.params["_http_engine"]
    async with Queen(broker_url) as queen:
        await queen.queue("forked").delete()
        await queen.queue("forked").create()
        command = [sys.executable, "-W", "error", "-c", FORKED, broker_url, engine]
        run = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output = await asyncio.wait_for(run.communicate(), 60)
        assert (run.returncode, *output) == (0, b"", b"")
        found = [message.data for message in await queen.queue("forked").batch(100).pop()]
    assert found == [
        "from the child", "before", "buffered", "parent's connection is open", "fresh", "after", "parent's buffer",
    ]  # fmt: skip


@pytest.mark.sockets
async def test_a_close_tells_waiting_pushes_what_was_not_sent(broker_url: str) -> None:
    queen = Queen("http://127.0.0.1:1", timeout_millis=50, retry_delay_millis=1)
    queue = queen.queue("q").buffer({"message_count": 1, "max_size": 1, "time_millis": 1})
    await queue.push([{"data": "first"}])
    waiting = [asyncio.ensure_future(queue.push([{"data": number}])) for number in range(3)]
    await asyncio.sleep(0)
    closed = await asyncio.gather(queen.close(), queen.close(), return_exceptions=True)
    assert sorted(type(each).__name__ for each in closed) == ["NoneType", "QueenBufferError"]
    [error] = [each for each in closed if isinstance(each, QueenBufferError)]
    assert [item["data"] for item in error.unsent] == ["first"]
    for number, push in enumerate(waiting):
        with pytest.raises(ClientClosedError) as raised:
            await push
        assert [item["data"] for item in raised.value.unsent] == [number]
    await queen.close()
