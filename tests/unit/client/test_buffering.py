"""Client-side buffers: what is collected, when it is sent, and in which order."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import pytest

from queen import BufferClosedError, PushRejectedError, Queen, QueenBufferError, QueenError
from tests.scripted_server import Answer, Drop, Hang, Received, Scripted, ScriptedServer, answers


def queued(received: Received) -> Scripted:
    """The answer of a server that stores everything."""
    return answers([{"status": "queued", "transaction_id": item["transactionId"]} for item in items_of(received)])


def items_of(received: Received) -> List[Dict[str, Any]]:
    body: Any = received.json
    return list(body["items"])


def payloads(server: ScriptedServer) -> List[List[Any]]:
    """What each push that the server received carried."""
    return [[item["payload"] for item in items_of(received)] for received in server.received]


async def stored(queen: Queen, queue: str, count: int = 1000) -> List[Any]:
    return [message.data for message in await queen.queue(queue).partition("Default").batch(count).pop()]


async def test_a_full_buffer_goes_in_one_request(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name).buffer({"message_count": 3, "time_millis": 60_000})
    results = [await queue.push([{"data": n}]) for n in range(3)]
    assert results == [{"buffered": True, "count": 1}] * 3
    await queen.queue(queue_name).flush_buffer()
    assert await stored(queen, queue_name) == [0, 1, 2]
    assert queen.get_buffer_stats()["flushesPerformed"] == 1


async def test_an_old_message_is_sent_although_the_buffer_is_not_full() -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        await queen.queue("q").buffer({"message_count": 100, "time_millis": 5}).push([{"data": 1}])
        assert server.received == []
        await asyncio.wait_for(server.arrived.wait(), 5)
        assert payloads(server) == [[1]]


async def test_the_stats_say_what_is_buffered(queen: Queen, queue_name: str) -> None:
    slow = {"message_count": 100, "time_millis": 60_000}
    assert queen.get_buffer_stats()["activeBuffers"] == 0
    await queen.queue(queue_name).buffer(slow).push([{"data": 1}, {"data": 2}])
    await queen.queue(queue_name).partition("p").buffer(slow).push([{"data": 3}])
    stats = queen.get_buffer_stats()
    assert (stats["activeBuffers"], stats["totalBufferedMessages"], stats["flushesPerformed"]) == (2, 3, 0)
    assert stats["oldestBufferAge"] >= 0
    await queen.flush_all_buffers()
    stats = queen.get_buffer_stats()
    assert (stats["activeBuffers"], stats["totalBufferedMessages"], stats["flushesPerformed"]) == (0, 0, 2)


async def test_flushing_nothing_does_nothing(queen: Queen, queue_name: str) -> None:
    await queen.flush_all_buffers()
    await queen.queue(queue_name).flush_buffer()
    assert queen.get_buffer_stats()["flushesPerformed"] == 0


async def test_flush_buffer_is_of_its_queue_and_partition_alone(queen: Queen, queue_name: str) -> None:
    slow = {"time_millis": 60_000}
    for partition in ("a", "b"):
        await queen.queue(queue_name).partition(partition).buffer(slow).push([{"data": partition}])
    await queen.queue(f"{queue_name}-2").create()
    await queen.queue(f"{queue_name}-2").buffer(slow).push([{"data": "other"}])
    await queen.queue(queue_name).partition("a").flush_buffer()
    assert queen.get_buffer_stats()["totalBufferedMessages"] == 2
    await queen.queue(queue_name).flush_buffer()
    assert queen.get_buffer_stats()["totalBufferedMessages"] == 1


async def test_order_holds_in_each_partition_through_many_flushes(queen: Queen, queue_name: str) -> None:
    for number in range(300):
        queue = queen.queue(queue_name).partition(f"p{number % 3}")
        await queue.buffer({"message_count": 7, "time_millis": 1}).push([{"data": number}])
    await queen.flush_all_buffers()
    for partition in range(3):
        found = await queen.queue(queue_name).partition(f"p{partition}").batch(200).pop()
        assert [message.data for message in found] == list(range(partition, 300, 3))


async def test_what_is_sent_is_what_was_pushed() -> None:
    async with ScriptedServer(queued) as server, Queen(server.url) as queen:
        payload = {"state": "as pushed"}
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": payload}])
        payload["state"] = "changed later"
        await queen.flush_all_buffers()
        assert payloads(server) == [[{"state": "as pushed"}]]


async def test_a_payload_that_cannot_be_sent_is_refused_at_once(queen: Queen, queue_name: str) -> None:
    with pytest.raises(TypeError, match="JSON cannot hold"):
        await queen.queue(queue_name).buffer().push([{"data": object()}])
    assert queen.get_buffer_stats()["totalBufferedMessages"] == 0


async def test_a_failed_flush_keeps_its_batch_in_front_and_sends_it_again() -> None:
    script: List[Any] = [Drop(), Drop()]

    def answer(received: Received) -> Answer:
        return script.pop(0) if script else queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url, retry_attempts=0) as queen:
        queue = queen.queue("q").buffer({"message_count": 2, "time_millis": 60_000})
        await queue.push([{"data": 1}, {"data": 2}])
        with pytest.raises(QueenBufferError) as raised:
            await queen.flush_all_buffers()
        assert [item["data"] for item in raised.value.unsent] == [1, 2]
        await queue.push([{"data": 3}])
        with pytest.raises(QueenBufferError):
            await queen.flush_all_buffers()
        await queen.flush_all_buffers()
        assert payloads(server) == [[1, 2], [1, 2], [1, 2], [3]]
        assert queen.get_buffer_stats()["flushesFailed"] == 2


async def test_a_failed_flush_is_repeated_without_being_asked() -> None:
    script: List[Answer] = [Drop(), answers({"oops": True}, status=503)]
    through = asyncio.Event()

    def answer(received: Received) -> Answer:
        if script:
            return script.pop(0)
        through.set()
        return queued(received)

    async with ScriptedServer(answer) as server:
        async with Queen(server.url, retry_attempts=0, retry_delay_millis=1) as queen:
            await queen.queue("q").buffer({"message_count": 1}).push([{"data": 1}])
            await asyncio.wait_for(through.wait(), 5)
        assert payloads(server) == [[1], [1], [1]]


async def test_a_batch_whose_answer_was_lost_is_no_duplicate_of_itself() -> None:
    script: List[Answer] = [Drop()]
    duplicates: List[Any] = []

    def answer(received: Received) -> Answer:
        if script:
            return script.pop()
        return answers(
            [{"status": "duplicate", "transaction_id": item["transactionId"]} for item in items_of(received)]
        )

    async with ScriptedServer(answer) as server, Queen(server.url, retry_attempts=0) as queen:
        queue = queen.queue("q").buffer({"time_millis": 60_000})
        await queue.push([{"data": 1}]).on_duplicate(lambda items, error: duplicates.append(items))
        with pytest.raises(QueenBufferError):
            await queen.flush_all_buffers()
        await queen.flush_all_buffers()
    assert duplicates == []


async def test_a_push_waits_while_the_buffer_is_full() -> None:
    release = asyncio.Event()

    async def answer(received: Received) -> Answer:
        await release.wait()
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"message_count": 2, "max_size": 4, "time_millis": 60_000})
        for number in range(4):
            await queue.push([{"data": number}])
        fifth, sixth = (asyncio.ensure_future(queue.push([{"data": number}])) for number in (4, 5))
        await asyncio.wait_for(server.arrived.wait(), 5)
        assert not fifth.done()
        assert queen.get_buffer_stats()["totalBufferedMessages"] == 4
        release.set()
        await asyncio.wait_for(asyncio.gather(fifth, sixth), 5)
        await queen.flush_all_buffers()
        assert payloads(server) == [[0, 1], [2, 3], [4, 5]]


async def test_the_bound_is_four_flushes_where_nothing_is_said() -> None:
    release = asyncio.Event()

    async def answer(received: Received) -> Answer:
        await release.wait()
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"message_count": 2, "time_millis": 60_000})
        for number in range(8):
            await queue.push([{"data": number}])
        ninth = asyncio.ensure_future(queue.push([{"data": 8}]))
        await asyncio.wait_for(server.arrived.wait(), 5)
        assert not ninth.done()
        release.set()
        await ninth


async def test_a_push_of_more_than_fits_is_taken_whole(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name).buffer({"message_count": 2, "max_size": 4, "time_millis": 60_000})
    assert await queue.push([{"data": number} for number in range(10)]) == {"buffered": True, "count": 10}
    await queen.flush_all_buffers()
    assert await stored(queen, queue_name) == list(range(10))


async def test_a_pusher_that_is_cancelled_while_it_waits_takes_its_message_back() -> None:
    release = asyncio.Event()

    async def answer(received: Received) -> Answer:
        await release.wait()
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"message_count": 1, "max_size": 1, "time_millis": 60_000})
        await queue.push([{"data": "taken"}])
        waiting = asyncio.ensure_future(queue.push([{"data": "cancelled"}]))
        behind = asyncio.ensure_future(queue.push([{"data": "behind"}]))
        await asyncio.wait_for(server.arrived.wait(), 5)
        waiting.cancel()
        release.set()
        await behind
        await queen.flush_all_buffers()
        assert payloads(server) == [["taken"], ["behind"]]


async def test_buffers_of_different_queues_flush_side_by_side() -> None:
    both = asyncio.Event()
    arrived: List[str] = []

    async def answer(received: Received) -> Answer:
        arrived.append(items_of(received)[0]["queue"])
        if len(arrived) == 2:
            both.set()
        await both.wait()
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        for name in ("a", "b"):
            await queen.queue(name).buffer({"time_millis": 60_000}).push([{"data": 1}])
        await asyncio.wait_for(queen.flush_all_buffers(), 5)
    assert sorted(arrived) == ["a", "b"]


async def test_one_buffer_has_one_request_under_way() -> None:
    under_way, most = 0, 0

    async def answer(received: Received) -> Answer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"message_count": 5, "time_millis": 1})
        await asyncio.gather(*(queue.push([{"data": number}]) for number in range(100)))
        await asyncio.gather(*(queen.flush_all_buffers() for _ in range(5)))
        assert [payload for push in payloads(server) for payload in push] == list(range(100))
    assert most == 1


async def test_callbacks_come_after_the_flush(queen: Queen, queue_name: str) -> None:
    told: List[Tuple[str, List[Any]]] = []

    async def on_success(items: Sequence[Mapping[str, Any]]) -> None:
        told.append(("success", [item["payload"] for item in items]))

    def on_duplicate(items: Sequence[Mapping[str, Any]], error: Exception) -> None:
        told.append(("duplicate", [item["payload"] for item in items]))

    await queen.queue(queue_name).push([{"data": 0, "transactionId": "taken"}])
    queue = queen.queue(queue_name).buffer({"time_millis": 60_000})
    await queue.push([{"data": 1}]).on_success(on_success)
    await queue.push([{"data": 2, "transactionId": "taken"}]).on_success(on_success).on_duplicate(on_duplicate)
    assert told == []
    await queen.flush_all_buffers()
    assert told == [("success", [1]), ("duplicate", [2])]


def refusing(words: str, *, payload: Any) -> Any:
    """A server that refuses one payload, as 0.7 refuses what does not fit into a queue."""

    def answer(received: Received) -> Answer:
        return answers(
            [
                {"status": "failed", "error": words, "transaction_id": item["transactionId"]}
                if item["payload"] == payload
                else {"status": "queued", "transaction_id": item["transactionId"]}
                for item in items_of(received)
            ]
        )

    return answer


async def test_what_the_server_refuses_goes_back_through_on_error() -> None:
    refused: List[Tuple[List[Any], Exception]] = []

    def on_error(items: Sequence[Mapping[str, Any]], error: Exception) -> None:
        refused.append(([item["payload"] for item in items], error))

    async with ScriptedServer(refusing("full", payload="bad")) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"time_millis": 60_000})
        await queue.push([{"data": "good"}, {"data": "bad"}]).on_error(on_error)
        await queue.push([{"data": "also good"}])
        await queen.flush_all_buffers()
        assert payloads(server) == [["good", "bad", "also good"]]
        assert queen.get_buffer_stats()["totalBufferedMessages"] == 0
    [(items, error)] = refused
    assert items == ["bad"]
    assert isinstance(error, PushRejectedError)


async def test_what_the_server_refuses_stays_where_nobody_takes_it_back() -> None:
    async with ScriptedServer(refusing("full", payload="bad")) as server:
        queen = Queen(server.url)
        queue = queen.queue("q").buffer({"message_count": 2, "max_size": 2, "time_millis": 60_000})
        await queue.push([{"data": "good"}, {"data": "bad"}])
        with pytest.raises(QueenBufferError, match="full"):
            await queen.flush_all_buffers()
        await queue.push([{"data": "next"}])
        with pytest.raises(QueenBufferError, match="the buffer is full, and the server refuses") as raised:
            await queue.push([{"data": "no room"}])
        assert [item["data"] for item in raised.value.unsent] == ["no room"]
        with pytest.raises(QueenBufferError) as closed:
            await queen.close()
        assert [item["data"] for item in closed.value.unsent] == ["bad", "next"]


async def test_close_sends_what_is_buffered(server_url: str, queue_name: str) -> None:
    async with Queen(server_url) as other:
        async with Queen(server_url) as queen:
            await queen.queue(queue_name).buffer({"time_millis": 60_000}).push([{"data": 1}])
        assert await stored(other, queue_name) == [1]


async def test_close_hands_back_every_message_that_it_could_not_send() -> None:
    async with ScriptedServer(lambda _: Drop()) as server:
        queen = Queen(server.url, timeout_millis=50, retry_delay_millis=1000)
        for partition in ("a", "b"):
            queue = queen.queue("q").partition(partition).buffer({"time_millis": 60_000})
            await queue.push([{"data": partition, "transactionId": partition}])
        with pytest.raises(QueenBufferError, match="2 buffered messages") as raised:
            await queen.close()
        assert raised.value.unsent == [
            {"data": name, "transactionId": name, "queue": "q", "partition": name} for name in ("a", "b")
        ]
        await queen.close()


async def test_a_pusher_that_waits_when_the_client_closes_gets_its_message_back() -> None:
    async with ScriptedServer(lambda _: Drop()) as server:
        queen = Queen(server.url, timeout_millis=50, retry_delay_millis=1000)
        queue = queen.queue("q").buffer({"message_count": 1, "max_size": 1, "time_millis": 60_000})
        await queue.push([{"data": "held"}])
        waiting = asyncio.ensure_future(queue.push([{"data": "waiting"}]))
        await asyncio.wait_for(server.arrived.wait(), 5)
        with pytest.raises(QueenBufferError) as closed:
            await queen.close()
        with pytest.raises(BufferClosedError) as refused:
            await waiting
        assert [item["data"] for item in closed.value.unsent] == ["held"]
        assert [item["data"] for item in refused.value.unsent] == ["waiting"]


async def test_a_push_after_close_is_refused_with_its_items(server_url: str) -> None:
    queen = Queen(server_url)
    queue = queen.queue("q").buffer()
    await queen.close()
    with pytest.raises(BufferClosedError) as raised:
        await queue.push([{"data": 1}])
    assert [item["data"] for item in raised.value.unsent] == [1]


async def test_a_close_that_is_cancelled_loses_nothing() -> None:
    async with ScriptedServer(lambda _: Drop()) as server:
        queen = Queen(server.url, timeout_millis=60_000)
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}])
        closing = asyncio.ensure_future(queen.close())
        await asyncio.wait_for(server.arrived.wait(), 5)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        with pytest.raises(QueenBufferError) as raised:
            await queen.close()
        assert [item["data"] for item in raised.value.unsent] == [1]


async def test_a_callback_may_push_into_the_full_buffer_that_it_waits_for(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name).buffer({"message_count": 1, "max_size": 1, "time_millis": 60_000})
    pushed = asyncio.Event()

    async def again(items: object) -> None:
        await queue.push([{"data": 2}])
        await queue.push([{"data": 3}])
        pushed.set()

    await queue.push([{"data": 1}]).on_success(again)
    await asyncio.wait_for(pushed.wait(), 5)
    await queen.flush_all_buffers()
    assert await stored(queen, queue_name) == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"message_cuont": 1}, ValueError, "did you mean 'message_count'"),
        ({"message_count": 0}, ValueError, "message_count=0"),
        ({"time_millis": "1s"}, TypeError, "time_millis='1s'"),
        ({"message_count": 10, "max_size": 5}, ValueError, "below message_count=10"),
        (7, TypeError, "options=7"),
    ],
)
def test_options_are_checked(options: Any, error: Any, words: str) -> None:
    with pytest.raises(error) as raised:
        Queen("http://127.0.0.1:1").queue("q").buffer(options)
    assert words in str(raised.value)


async def test_options_may_be_in_camel_case(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name).buffer({"messageCount": 1, "timeMillis": 60_000})
    pushed = queue.push([{"data": 1}])
    assert await pushed == {"buffered": True, "count": 1}
    await queen.flush_all_buffers()
    assert await stored(queen, queue_name) == [1]


async def test_ten_thousand_messages_of_many_partitions_all_arrive(queen: Queen, queue_name: str) -> None:
    for number in range(10_000):
        queue = queen.queue(queue_name).partition(f"p{number % 10}")
        await queue.buffer({"message_count": 500, "time_millis": 100}).push([{"data": number}])
    await queen.flush_all_buffers()
    found = [await queen.queue(queue_name).partition(f"p{n}").batch(2000).pop() for n in range(10)]
    assert [[message.data for message in one] for one in found] == [list(range(n, 10_000, 10)) for n in range(10)]


async def test_what_close_hands_back_says_why_and_can_be_pushed_again(queen: Queen, queue_name: str) -> None:
    async with ScriptedServer(lambda _: answers({"error": "no room"}, 400)) as server:
        broken = Queen(server.url)
        await broken.queue(queue_name).buffer({"time_millis": 60_000}).push([{"data": 1}])
        with pytest.raises(QueenBufferError, match=r"could not be sent: .*no room") as raised:
            await broken.close()
    assert raised.value.__cause__ is not None
    for item in raised.value.unsent:
        await queen.queue(str(item["queue"])).partition(str(item["partition"])).push([item])
    assert await stored(queen, queue_name) == [1]


async def test_a_client_that_is_never_closed_warns_of_the_messages_that_it_loses() -> None:
    queen = Queen("http://127.0.0.1:1", timeout_millis=20)
    await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}, {"data": 2}])
    buffers = queen._services.buffers
    with pytest.warns(RuntimeWarning, match="2 buffered messages are lost"):
        buffers.__del__()
    with pytest.raises(QueenBufferError):
        await queen.close()


async def test_the_shortest_time_that_was_said_holds() -> None:
    for times in ((60_000, 5), (5, 60_000)):
        async with ScriptedServer(queued) as server, Queen(server.url) as queen:
            for millis in times:
                await queen.queue("q").buffer({"time_millis": millis}).push([{"data": millis}])
            await asyncio.wait_for(server.arrived.wait(), 5)
            assert payloads(server) == [list(times)]


async def test_a_flush_that_waits_when_the_client_closes_is_told() -> None:
    async with ScriptedServer(lambda _: Hang()) as server:
        queen = Queen(server.url, timeout_millis=200)
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}])
        flushing = asyncio.ensure_future(queen.flush_all_buffers())
        await asyncio.wait_for(server.arrived.wait(), 5)
        with pytest.raises(QueenBufferError):
            await queen.close()
        with pytest.raises(QueenBufferError):
            await asyncio.wait_for(flushing, 5)


async def test_of_two_closes_one_hands_the_messages_back() -> None:
    async with ScriptedServer(lambda _: Hang()) as server:
        queen = Queen(server.url, timeout_millis=200)
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}])
        closed = await asyncio.gather(queen.close(), queen.close(), return_exceptions=True)
    assert sorted(type(result).__name__ for result in closed) == ["NoneType", "QueenBufferError"]


async def test_a_push_that_meets_close_is_refused_or_sent_and_never_lost() -> None:
    release, asked = asyncio.Event(), asyncio.Event()

    async def answer(received: Received) -> Answer:
        if received.target == "/health":
            asked.set()
            await release.wait()
            return answers({"status": "healthy", "server": "libqueen"})
        return queued(received)

    async with ScriptedServer(answer) as server:
        queen = Queen(server.url)
        # A name with a colon: the client asks first what the server is.
        pushing = asyncio.ensure_future(queen.queue("a:b").buffer({"time_millis": 60_000}).push([{"data": 1}]))
        await asyncio.wait_for(asked.wait(), 5)
        closing = asyncio.ensure_future(queen.close())
        await asyncio.sleep(0)
        release.set()
        outcome, _ = await asyncio.wait_for(asyncio.gather(pushing, closing, return_exceptions=True), 5)
    assert isinstance(outcome, QueenError), outcome
    assert [item["data"] for item in outcome.unsent] == [1]


async def test_pushes_that_were_accepted_in_a_flush_refused_in_part_are_told() -> None:
    told: List[Any] = []
    async with ScriptedServer(refusing("full", payload="bad")) as server, Queen(server.url) as queen:
        queue = queen.queue("q").buffer({"time_millis": 60_000})
        await queue.push([{"data": "good"}]).on_success(lambda items: told.append(items[0]["payload"]))
        await queue.push([{"data": "bad"}]).on_error(lambda items, error: told.append(items[0]["payload"]))
        await queen.flush_all_buffers()
    assert told == ["good", "bad"]


async def test_a_callback_that_never_returns_ends_with_the_client() -> None:
    ended = asyncio.Event()

    async def on_success(items: object) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async with ScriptedServer(queued) as server:
        async with Queen(server.url, timeout_millis=30) as queen:
            await queen.queue("q").buffer({"message_count": 1}).push([{"data": 1}]).on_success(on_success)
            await queen.flush_all_buffers()
    await asyncio.wait_for(ended.wait(), 5)
