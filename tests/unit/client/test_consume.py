"""Consuming: workers, settling, and the ways to end."""

from __future__ import annotations

import asyncio
from typing import Any, List

import pytest
from queen_api.api import system

from queen import ClientClosedError, Message, Queen


async def pushed(queen: Queen, queue: str, count: int, **config: object) -> None:
    await queen.queue(queue).config({"leaseTime": 60, **config}).create()
    await queen.queue(queue).push([{"data": n} for n in range(count)])


async def test_a_handler_takes_one_message_and_a_limit_ends_it(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 3)
    seen: List[Any] = []

    async def handler(message: Message) -> None:
        seen.append(message.data)

    await queen.queue(queue_name).limit(2).consume(handler)
    assert seen == [0, 1]
    assert [message.data for message in await queen.queue(queue_name).batch(9).pop()] == [2]


async def test_a_batch_is_a_list_and_is_never_cut_to_the_limit(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 5)
    seen: List[List[Any]] = []
    consumer = queen.queue(queue_name).batch(5).limit(2)
    await consumer.consume(lambda messages: seen.append([message.data for message in messages]))
    assert seen == [[0, 1, 2, 3, 4]]
    assert await queen.queue(queue_name).pop() == []


async def test_each_hands_a_batch_out_one_by_one(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 3)
    seen: List[Any] = []
    await queen.queue(queue_name).batch(3).each().limit(3).consume(lambda message: seen.append(message["data"]))
    assert seen == [0, 1, 2]


async def test_after_a_nack_the_rest_of_the_batch_is_not_handled(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 3)
    seen: List[Any] = []

    def handler(message: Message) -> None:
        seen.append(message.data)
        if seen.count(1) == 1 and message.data == 1:
            raise ValueError("not yet")

    await queen.queue(queue_name).batch(3).each().idle_millis(50).consume(handler)
    assert seen == [0, 1, 1, 2]


async def test_a_failing_batch_comes_again_and_loses_nothing(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 3)
    seen: List[List[Any]] = []

    def handler(messages: List[Message]) -> None:
        seen.append([message.data for message in messages])
        if len(seen) == 1:
            raise ValueError("not yet")

    await queen.queue(queue_name).batch(3).idle_millis(50).consume(handler)
    assert seen == [[0, 1, 2], [0, 1, 2]]


async def test_a_poison_message_ends_in_the_dead_letters_and_holds_up_nobody(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 3, retryLimit=1)
    seen: List[Any] = []

    def handler(message: Message) -> None:
        seen.append(message.data)
        if message.data == 1:
            raise ValueError("poison")

    await queen.queue(queue_name).idle_millis(50).consume(handler)
    assert seen == [0, 1, 1, 2]
    letters = await queen.queue(queue_name).dlq().get()
    assert [letter["errorMessage"] for letter in letters["messages"]] == ["poison"]


async def test_workers_share_the_partitions(queen: Queen, queue_name: str) -> None:
    for name in "abcd":
        await queen.queue(queue_name).partition(name).push([{"data": name}])
    running, most = 0, 0
    together = asyncio.Event()

    async def handler(message: Message) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 4:
            together.set()
        await asyncio.wait_for(together.wait(), 5)
        running -= 1

    await queen.queue(queue_name).concurrency(4).idle_millis(50).consume(handler)
    assert most == 4


async def test_idle_cuts_the_long_poll_short(queen: Queen, queue_name: str) -> None:
    started = asyncio.get_running_loop().time()
    await queen.queue(queue_name).timeout_millis(30_000).idle_millis(50).consume(lambda message: None)
    assert asyncio.get_running_loop().time() - started < 5


async def test_a_message_that_the_handler_settled_is_not_settled_again(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 1, retryLimit=0)

    async def handler(message: Message) -> None:
        await message.nack("gives up", status="dlq")

    await queen.queue(queue_name).idle_millis(50).consume(handler)
    assert (await queen.queue(queue_name).dlq().get())["total"] == 1


async def test_without_auto_ack_nothing_is_settled(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 1)
    held: List[Message] = []
    await queen.queue(queue_name).auto_ack(False).limit(1).consume(held.append)
    assert await queen.queue(queue_name).pop() == []
    assert (await held[0].ack())["success"]


async def test_callbacks_are_told_and_turn_auto_ack_off(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 2)
    told: List[Any] = []

    async def handler(message: Message) -> str:
        if message.data == 1:
            raise ValueError("bad")
        return "result"

    async def on_success(message: Message, result: str) -> None:
        told.append((message.data, result))
        await message.ack()

    def on_error(message: Message, error: Exception) -> None:
        told.append((message.data, str(error)))

    await queen.queue(queue_name).limit(2).consume(handler).on_success(on_success).on_error(on_error)
    assert told == [(0, "result"), (1, "bad")]
    assert await queen.queue(queue_name).pop() == []


async def test_the_signal_finishes_the_message_in_hand_and_gives_the_rest_back(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 3)
    signal, finish, started = asyncio.Event(), asyncio.Event(), asyncio.Event()
    seen: List[Any] = []

    async def handler(message: Message) -> None:
        started.set()
        await finish.wait()
        seen.append(message.data)

    consuming = asyncio.create_task(queen.queue(queue_name).batch(3).each().consume(handler, signal=signal))
    await started.wait()
    signal.set()
    finish.set()
    await asyncio.wait_for(consuming, 5)
    assert seen == [0]
    assert [message.data for message in await queen.queue(queue_name).batch(9).pop()] == [1, 2]


async def test_the_signal_leaves_a_message_that_the_user_still_holds_alone(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 3)
    signal = asyncio.Event()
    held: List[Message] = []

    def handler(message: Message) -> None:
        held.append(message)
        signal.set()

    await queen.queue(queue_name).batch(3).each().auto_ack(False).consume(handler, signal=signal)
    [message] = held
    assert await queen.queue(queue_name).pop() == []
    assert (await message.ack())["success"]


async def test_the_signal_ends_a_parked_poll(queen: Queen, queue_name: str) -> None:
    signal = asyncio.Event()
    consuming = asyncio.create_task(queen.queue(queue_name).consume(lambda message: None, signal=signal))
    await asyncio.sleep(0)
    for _ in range(50):  # until the poll waits at the server
        await asyncio.sleep(0)
    signal.set()
    await asyncio.wait_for(consuming, 5)


async def test_cancelling_settles_nothing(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, 1, leaseTime=60)
    started = asyncio.Event()

    async def handler(message: Message) -> None:
        started.set()
        await asyncio.Event().wait()

    consuming = asyncio.create_task(queen.queue(queue_name).consume(handler))
    await started.wait()
    consuming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consuming
    assert await queen.queue(queue_name).pop() == []
    assert (await queen.queue(queue_name).dlq().get())["total"] == 0


async def test_closing_the_client_ends_its_consumers_after_their_handlers(server_url: str, queue_name: str) -> None:
    finished = asyncio.Event()
    started = asyncio.Event()

    async def handler(message: Message) -> None:
        started.set()
        for _ in range(5):
            await asyncio.sleep(0)
        finished.set()

    async with Queen(server_url) as keeper:
        async with Queen(server_url) as queen:
            await queen.queue(queue_name).push([{"data": 1}])
            consuming = asyncio.create_task(queen.queue(queue_name).consume(handler))
            await started.wait()
        await asyncio.wait_for(consuming, 5)
        assert finished.is_set()
        assert await keeper.queue(queue_name).pop() == []


async def test_a_handler_may_close_its_client(server_url: str, queue_name: str) -> None:
    async with Queen(server_url) as queen:
        await queen.queue(queue_name).push([{"data": 1}])

        async def handler(message: Message) -> None:
            await message.ack()
            await queen.close()

        await asyncio.wait_for(queen.queue(queue_name).consume(handler), 5)


def generator(message: Message) -> Any:
    yield message


async def async_generator(message: Message) -> Any:
    yield message


@pytest.mark.parametrize(
    "handler", ["handler", None, lambda: None, lambda first, second: None, generator, async_generator]
)
async def test_what_cannot_handle_a_message_is_refused_before_one_is_popped(handler: Any) -> None:
    with pytest.raises(TypeError, match="accepted is a function"):
        Queen("http://127.0.0.1:1").queue("q").consume(handler)


async def test_a_signal_must_be_an_event() -> None:
    signal: Any = True
    with pytest.raises(TypeError, match=r"accepted is an asyncio\.Event"):
        Queen("http://127.0.0.1:1").queue("q").consume(len, signal=signal)


async def test_a_handler_that_raises_is_logged_with_its_traceback(
    queen: Queen, queue_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await pushed(queen, queue_name, 1)

    def handler(message: Message) -> None:
        raise ValueError("this is why")

    await queen.queue(queue_name).limit(1).consume(handler)
    assert "Traceback" in caplog.text
    assert "ValueError: this is why" in caplog.text
    assert queue_name in caplog.text


async def test_pushes_in_a_loop_do_not_starve_a_consumer_in_the_same_loop(queen: Queen, queue_name: str) -> None:
    seen = asyncio.Event()
    consuming = asyncio.create_task(queen.queue(queue_name).limit(1).consume(lambda message: seen.set()))
    pushed_count = 0
    while not seen.is_set() and pushed_count < 2000:
        await queen.queue(queue_name).push([{"data": pushed_count}])
        pushed_count += 1
    assert seen.is_set()
    await consuming


async def test_a_close_that_was_cancelled_has_closed_the_connections(server_url: str, queue_name: str) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def handler(message: Message) -> None:
        started.set()
        await finish.wait()

    queen = Queen(server_url)
    await queen.queue(queue_name).push([{"data": 1}])
    consuming = asyncio.create_task(queen.queue(queue_name).limit(1).consume(handler))
    await started.wait()
    closing = asyncio.create_task(queen.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    with pytest.raises(ClientClosedError):
        await queen.send(system.health())
    finish.set()
    await asyncio.gather(consuming, return_exceptions=True)


async def test_a_handler_that_is_cancelled_ends_the_consumer(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).partition("a").push([{"data": 1}])

    async def handler(message: Message) -> None:
        raise asyncio.CancelledError

    consumer = queen.queue(queue_name).concurrency(2).consume(handler)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(consumer, 5)
