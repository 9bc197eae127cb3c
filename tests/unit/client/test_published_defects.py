"""What the published client (0.7.4 to 2.6.0) got wrong, one test for each defect, so that none of them comes back."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections import defaultdict
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, List

import pytest
from queen_api.api import traces

from queen import AuthenticationError, LeaseLostError, Message, Queen, QueenBufferError, QueenError
from queen.broker import Broker, open_broker
from tests.guide.virtual_time import VirtualTime
from tests.scripted_server import Answer, Drop, Hang, Received, Scripted, ScriptedServer, answers
from tests.unit.client.pushes import items_of, queued, queued_after

pytestmark = pytest.mark.sockets

TIMED = "memory://published-defects"
FAILURES = {
    "dropped": Drop(),
    "500 with words": answers({"error": "no such thing"}, 500),
    "502": Scripted(b"<html>bad gateway</html>", 502),
    "200 with words": answers({"success": False, "error": "ERROR:  no such thing"}),
    "no JSON": Scripted(b"<html>hi</html>"),
}
any_failure = pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())


@pytest.fixture
async def virtual_time() -> AsyncIterator[VirtualTime]:
    """The loop's clock and the broker's, moved by the test."""
    moved = VirtualTime("2026-01-31T10:00:00")
    yield moved
    moved.stop()


@pytest.fixture
async def broker(virtual_time: VirtualTime, server_dialect: str) -> AsyncIterator[Broker]:
    """A broker of each dialect, at ``TIMED``, in that time."""
    opened = open_broker(TIMED, clock=virtual_time.clock, dialect=server_dialect)
    yield opened
    await opened.close()


def batch(*names: str) -> Scripted:
    common = {
        "traceId": None, "producerSub": None, "leaseId": "l", "createdAt": "2026-01-31T10:20:30.123456Z",
        "partition": "Default", "partitionId": "p", "consumerGroup": None,
    }  # fmt: skip
    messages = [{**common, "id": name, "transactionId": name, "data": name} for name in names]
    return answers({"success": True, "partitionsClaimed": 1, "queue": "q", **common, "messages": messages})


async def in_time(awaitable: Awaitable[Any]) -> Any:
    """The result; what deadlocks must fail the test, not hang it."""
    return await asyncio.wait_for(awaitable, 5)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("it did not come to that")


async def test_a_failed_buffer_flush_does_not_lose_the_batch() -> None:
    failures: List[Answer] = [Drop(), answers({"error": "out of order"}, 503)]
    stored: List[Any] = []

    def answer(received: Received) -> Answer:
        if failures:
            return failures.pop()
        stored.extend(item["payload"] for item in items_of(received))
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url, retry_attempts=0) as queen:
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": number} for number in range(3)])
        for _ in range(2):
            with pytest.raises(QueenBufferError):
                await in_time(queen.flush_all_buffers())
        await in_time(queen.flush_all_buffers())
    assert stored == [0, 1, 2]


async def test_overlapping_flushes_of_one_buffer_arrive_in_order() -> None:
    stored: Dict[str, List[int]] = defaultdict(list)
    slow = {"p0", "p1", "p2"}

    async def answer(received: Received) -> Answer:
        items = items_of(received)
        if items[0]["partition"] in slow:
            # The first flush of a partition takes long enough for a second one to overtake it.
            slow.remove(items[0]["partition"])
            for _ in range(300):
                await asyncio.sleep(0)
        for item in items:
            stored[item["partition"]].append(item["payload"])
        return queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        for number in range(950):
            queue = queen.queue("q").partition(f"p{number % 3}")
            await queue.buffer({"message_count": 50, "time_millis": 60_000}).push([{"data": number}])
        await in_time(queen.flush_all_buffers())
    assert stored == {f"p{first}": list(range(first, 950, 3)) for first in range(3)}


async def test_flush_buffer_of_a_queue_without_a_buffer_does_not_deadlock_while_another_flush_runs() -> None:
    release = asyncio.Event()

    async with ScriptedServer(queued_after(release)) as server, Queen(server.url) as queen:
        await queen.queue("buffered").buffer({"time_millis": 60_000}).push([{"data": 1}])
        flushing = asyncio.ensure_future(queen.flush_all_buffers())
        await in_time(server.arrived.wait())
        await in_time(queen.queue("without").flush_buffer())
        assert not flushing.done()
        release.set()
        await in_time(flushing)


@pytest.mark.parametrize("size", [1, 3])
async def test_a_handled_message_whose_ack_raises_is_not_nacked(size: int) -> None:
    statuses: List[str] = []

    def answer(received: Received) -> Answer:
        if received.method == "GET":
            return batch(*"abc"[:size])
        body: Any = received.json
        statuses.extend(ack["status"] for ack in body.get("acknowledgments", [body]))
        return Drop()

    async with ScriptedServer(answer) as server, Queen(server.url, retry_delay_millis=0, dialect="0.15") as queen:
        await in_time(queen.queue("q").batch(size).limit(1).consume(lambda _: None))
    assert set(statuses) == {"completed"}


async def test_a_lease_renewal_does_not_fail_for_ever_in_silence(virtual_time: VirtualTime) -> None:
    refusal = answers([{"index": 0, "leaseId": "l", "success": False, "error": "Lease not found", "expiresAt": None}])
    told = asyncio.Event()
    lost: List[str] = []

    def on_lease_lost(_: List[Message], error: LeaseLostError) -> None:
        lost.append(error.lease_id)
        told.set()

    async def handler(message: Message) -> None:
        await asyncio.sleep(0)
        virtual_time.advance(61)
        await in_time(told.wait())
        virtual_time.advance(61)
        for _ in range(100):
            await asyncio.sleep(0)

    async with ScriptedServer(lambda received: batch("a") if received.method == "GET" else refusal) as server:
        async with Queen(server.url) as queen:
            await queen.queue("q").limit(1).renew_lease(True, 60_000).consume(handler).on_lease_lost(on_lease_lost)
        renewals = [received for received in server.received if "/lease/" in received.target]
    assert (lost, len(renewals)) == (["l"], 1)


async def test_a_renewal_is_not_refused_for_want_of_a_body(broker: Broker, virtual_time: VirtualTime) -> None:
    async with Queen(TIMED) as queen:
        await queen.queue("q").config({"leaseTime": 60}).create()
        await queen.queue("q").push([{"data": 1}])
        [message] = await queen.queue("q").pop()
        assert (await message.renew())["success"]
        assert (await queen.renew(message, 600))["success"]
        virtual_time.advance(590)
        assert await queen.queue("q").pop() == []
        assert (await message.ack())["success"]


async def test_traces_in_a_batch_are_not_all_recorded_under_the_last_message(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": number} for number in range(3)])
    handled: List[Message] = []

    async def handler(messages: List[Message]) -> None:
        handled.extend(messages)
        for message in messages:
            assert (await message["trace"]({"data": {"of": message.data}}))["success"]

    await in_time(queen.queue(queue_name).batch(3).limit(3).consume(handler))
    assert len(handled) == 3
    for message in handled:
        request = traces.list_message_traces(partition_id=message.partition_id, transaction_id=message.transaction_id)
        assert [trace["data"] for trace in (await queen.send(request))["traces"]] == [{"of": message.data}]


async def refused_before_anything_is_sent(name: str) -> None:
    async with ScriptedServer(lambda _: answers({})) as server, Queen(server.url) as queen:
        with pytest.raises(ValueError, match="cannot be addressed"):
            await queen.queue(name).pop()
        with pytest.raises(ValueError, match="cannot be addressed"):
            await queen.queue("q").partition(name).pop()
        with pytest.raises(ValueError, match="cannot be addressed"):
            await queen.delete_consumer_group(name)
        assert server.received == []


async def test_a_hash_in_a_name_does_not_cut_the_path() -> None:
    await refused_before_anything_is_sent("orders#1")


async def test_a_name_that_is_not_ascii_does_not_address_another_queue() -> None:
    await refused_before_anything_is_sent("größe")


async def test_a_name_of_two_dots_does_not_leave_the_route() -> None:
    await refused_before_anything_is_sent("..")


@pytest.mark.parametrize(("name", "other"), [("100%", "100%25"), ("a%62", "ab")])
async def test_a_percent_sign_in_a_name_does_not_address_another_queue(broker_url: str, name: str, other: str) -> None:
    prefix = uuid.uuid4().hex
    async with Queen(broker_url) as queen:
        for queue in (name, other):
            await queen.queue(prefix + queue).partition(queue).push([{"data": queue}])
        for queue in (name, other):
            [message] = await queen.queue(prefix + queue).partition(queue).batch(9).pop()
            assert message.data == queue


async def test_create_task_of_consume_does_not_raise_a_type_error(queen: Queen, queue_name: str) -> None:
    consuming = asyncio.create_task(queen.queue(queue_name).limit(1).consume(lambda _: None))
    await queen.queue(queue_name).push([{"data": 1}])
    await in_time(consuming)


async def test_the_ack_of_a_transaction_advances_its_consumer_group(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}, {"data": 2}])
    await queen.queue(f"{queue_name}-next").create()
    source = queen.queue(queue_name).group("pipeline")
    for expected in (1, 2):
        [message] = await source.pop()
        assert message.data == expected
        await queen.transaction().ack(message).queue(f"{queue_name}-next").push([{"data": expected}]).commit()
    assert await source.pop() == []
    assert [message.data for message in await queen.queue(f"{queue_name}-next").batch(9).pop()] == [1, 2]


@any_failure
@pytest.mark.parametrize("wait", [False, True])
async def test_a_failed_pop_does_not_come_back_as_an_empty_result(failure: Answer, wait: bool) -> None:
    async with ScriptedServer(lambda _: failure) as server, Queen(server.url, retry_attempts=0) as queen:
        with pytest.raises(QueenError):
            await in_time(queen.queue("q").wait(wait).pop())


@any_failure
async def test_a_failed_dead_letter_query_does_not_come_back_as_an_empty_result(failure: Answer) -> None:
    async with ScriptedServer(lambda _: failure) as server, Queen(server.url, retry_attempts=0) as queen:
        with pytest.raises(QueenError):
            await in_time(queen.queue("q").dlq().get())


async def test_no_signal_handlers_are_installed() -> None:
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    async with Queen("memory://"):
        assert {number: signal.getsignal(number) for number in before} == before
    assert {number: signal.getsignal(number) for number in before} == before


async def test_nothing_is_printed(
    server_url: str, queue_name: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QUEEN_CLIENT_LOG", raising=False)

    async def handler(message: Message) -> None:
        await message["trace"]({"no data": 1})
        raise ValueError("a handler that fails")

    async with Queen(server_url) as queen:
        queue = queen.queue(queue_name)
        await queue.flush_buffer()
        await queue.buffer().push([{"data": 1}])
        await queue.flush_buffer()
        await in_time(queue.limit(1).consume(handler))
        await queue.buffer().push([{"data": 2}])
    async with ScriptedServer(lambda _: Drop()) as server:
        queen = Queen([server.url, f"{server.url}/mq"], retry_attempts=0, timeout_millis=50)
        await queen.queue("q").buffer({"time_millis": 60_000}).push([{"data": 1}])
        for fail in (queen.queue("q").pop, queen.queue("q").dlq().get, queen.flush_all_buffers, queen.close):
            with pytest.raises(QueenError):
                await in_time(fail())
    assert capfd.readouterr() == ("", "")


async def test_a_refusal_is_not_taken_for_a_network_error_by_its_words() -> None:
    words = "fetch failed: ECONNREFUSED, connection timed out while the token was checked"
    async with ScriptedServer(lambda _: answers({"error": words}, 401)) as server, Queen(server.url) as queen:
        with pytest.raises(AuthenticationError, match="ECONNREFUSED"):
            await in_time(queen.queue("q").consume(lambda _: None))
    assert len(server.received) == 1


async def test_a_connection_closed_before_the_answer_marks_its_server_unhealthy() -> None:
    options = {"load_balancing_strategy": "round-robin", "retry_attempts": 0, "health_retry_after_millis": 600_000}
    async with ScriptedServer(lambda _: Drop()) as broken, ScriptedServer(queued) as healthy:
        async with Queen([broken.url, healthy.url], **options) as queen:
            for number in range(6):
                await queen.queue("q").push([{"data": number}])
        assert (len(broken.received), len(healthy.received)) == (1, 6)


async def test_repeats_are_jittered(virtual_time: VirtualTime) -> None:
    arrivals: Dict[int, List[float]] = defaultdict(list)

    def answer(received: Received) -> Answer:
        [item] = items_of(received)
        arrivals[item["payload"]].append(asyncio.get_running_loop().time())
        return Drop() if len(arrivals[item["payload"]]) == 1 else queued(received)

    async with ScriptedServer(answer) as server, Queen(server.url, retry_delay_millis=1000) as queen:
        pushing = asyncio.gather(*(queen.queue("q").push([{"data": number}]) for number in range(20)))
        await until(lambda: len(arrivals) == 20)
        while not pushing.done():
            virtual_time.advance(0.01)
            for _ in range(10):
                await asyncio.sleep(0)
        await pushing
    waits = [repeated - first for first, repeated in arrivals.values()]
    assert max(waits) - min(waits) > 0.25


@pytest.mark.parametrize("status", [408, 429])
async def test_too_many_requests_and_request_timeouts_are_not_final(status: int) -> None:
    failures: List[Answer] = [answers({"error": "slow down"}, status), Scripted(b"<html>slow down</html>", status)]
    async with ScriptedServer(lambda received: failures.pop() if failures else queued(received)) as server:
        async with Queen(server.url, retry_delay_millis=0) as queen:
            [result] = await in_time(queen.queue("q").push([{"data": 1}]))
    assert (result["status"], len(server.received)) == ("queued", 3)


async def test_idle_millis_does_not_wait_out_a_long_poll_first(broker: Broker, virtual_time: VirtualTime) -> None:
    async with Queen(TIMED) as queen:
        await queen.queue("q").create()
        consuming = asyncio.ensure_future(queen.queue("q").idle_millis(5000).consume(lambda _: None))
        await until(lambda: broker.parked_polls)
        virtual_time.advance(5.1)
        await in_time(consuming)


async def test_a_hundred_parked_polls_do_not_stop_an_ack() -> None:
    def answer(received: Received) -> Answer:
        if received.method == "POST":
            return answers([{"index": 0, "transactionId": "a", "success": True, "error": None}])
        return Hang() if "wait=true" in received.target else batch("a")

    async with ScriptedServer(answer) as server, Queen(server.url) as queen:
        [message] = await queen.queue("q").pop()
        polls = [asyncio.ensure_future(queen.queue("q").wait().pop()) for _ in range(100)]
        await until(lambda: len(server.received) == 101)
        assert (await in_time(message.ack()))["success"]
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_each_does_not_go_on_after_a_nack(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": number} for number in range(3)])
    seen: List[Any] = []

    def handler(message: Message) -> None:
        seen.append(message.data)
        if seen == [0]:
            raise ValueError("not yet")

    await in_time(queen.queue(queue_name).batch(3).each().limit(4).consume(handler))
    assert seen == [0, 0, 1, 2]


async def test_each_runs_no_handler_for_messages_whose_lease_is_gone(broker: Broker, virtual_time: VirtualTime) -> None:
    async with Queen(TIMED) as queen:
        await queen.queue("q").config({"leaseTime": 60}).create()
        await queen.queue("q").push([{"data": number} for number in range(3)])
        seen: List[Any] = []

        async def handler(message: Message) -> None:
            seen.append(message.data)
            virtual_time.advance(61)
            assert len(await queen.queue("q").batch(3).pop()) == 3

        await queen.queue("q").batch(3).each().limit(1).consume(handler)
    assert seen == [0]
