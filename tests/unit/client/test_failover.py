"""Servers that fail: when one is passed over, where its requests go, how often they are sent, when it is used again.

Time is the loop's, moved on by the tests; nothing is waited out.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, AsyncIterator, Awaitable, Callable, List, Tuple, Union

import pytest
from queen_api.api import messages

from queen import (
    ConnectionFailedError,
    HttpStatusError,
    Message,
    OutcomeUnknownError,
    Queen,
    QueenError,
    QueenTimeoutError,
)
from queen.broker import open_broker
from queen.transport.engines.in_process import InProcessEngine
from queen.transport.ring import Ring
from tests.scripted_server import Answer, Drop, Hang, Received, Scripted, ScriptedServer, answers

pytestmark = pytest.mark.sockets

Play = Callable[[Received], Union[Answer, Awaitable[Answer]]]

# The affinity key of all that these tests send where a key matters.
KEY = "q:*:__QUEUE_MODE__"
BAD_GATEWAY = Scripted(b"<html>bad gateway</html>", 502)
TRUNCATED = Scripted(b"[", headers={"content-length": "900"}, close=True)


class Clock:
    """The running loop's time, which a test moves on."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._ahead = 0.0

    def time(self) -> float:
        return self._time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    moved = Clock(loop.time)
    monkeypatch.setattr(loop, "time", moved.time)
    return moved


class Server(ScriptedServer):
    """A server that plays what it is told to, and can die and come back at its address."""

    def __init__(self) -> None:
        super().__init__(lambda received: self.play(received))
        self.play: Play = usual

    async def die(self) -> None:
        await self.__aexit__(None, None, None)

    async def revive(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", int(self.url.rpartition(":")[2]))


Servers = Tuple[Server, Server, Server]


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """Three servers, in the order in which the ring offers them to ``KEY``."""
    async with AsyncExitStack() as stack:
        started = [Server() for _ in range(3)]
        for server in started:
            await stack.enter_async_context(server)
        first, second, third = (started[index] for index in Ring([server.url for server in started], 128).walk(KEY))
        yield first, second, third


def client(servers: Servers, **options: Any) -> Queen:
    """A client of the servers. They are given in another order than the ring's, so that the two cannot be confused."""
    first, second, third = servers
    given = {"retry_delay_millis": 0, "retry_attempts": 0, "dialect": "0.15", **options}
    return Queen([first.url, third.url, second.url], **given)


def counts(servers: Servers) -> List[int]:
    """How many requests each server received."""
    return [len(server.received) for server in servers]


def always(answer: Answer) -> Play:
    return lambda _: answer


def once(answer: Answer) -> Play:
    """This answer, and then the usual ones."""
    left = [answer]
    return lambda received: left.pop() if left else usual(received)


def lost(what: str, answer: Answer) -> Play:
    """This answer to one route, the usual ones to all others."""
    return lambda received: answer if f"/api/v1/{what}" in received.target else usual(received)


def usual(received: Received) -> Answer:
    if received.method == "GET":
        return batch("t")
    body: Any = received.json
    if received.target.endswith("/push"):
        return answers([{"status": "queued", "transaction_id": item["transactionId"]} for item in body["items"]])
    if received.target.endswith("/transaction"):
        return answers({"success": True, "transactionId": "x", "results": []})
    return acked(body["transactionId"])


def batch(name: str) -> Answer:
    message = {
        "id": name, "transactionId": name, "traceId": None, "data": name, "producerSub": None, "leaseId": "l",
        "createdAt": "2026-01-31T10:20:30.123456Z", "partition": "Default", "partitionId": "p", "consumerGroup": None,
    }  # fmt: skip
    head = {"success": True, "queue": "q", "partition": "Default", "partitionId": "p", "leaseId": "l"}
    return answers({**head, "consumerGroup": None, "partitionsClaimed": 1, "messages": [message]})


def acked(name: str, error: Any = None) -> Answer:
    result = {"index": 0, "transactionId": name, "success": error is None, "error": error, "dlq": False}
    return answers([{**result, "queueName": "q", "partitionName": "Default", "leaseReleased": error is None}])


async def push(queen: Queen) -> Any:
    return await queen.queue("q").push([{"data": 1}])


async def pop(queen: Queen) -> Message:
    [message] = await queen.queue("q").pop()
    return message


async def in_time(awaitable: Awaitable[Any]) -> Any:
    """The result, in 20 seconds of the moved time; what does not end must not hang the tests."""
    return await asyncio.wait_for(awaitable, 20)


async def let_all_run() -> None:
    """Let everything happen for which the time has come."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "failure",
    [Drop(), TRUNCATED, BAD_GATEWAY, Scripted(b"oops", 500), answers({"error": "no database"}, 503)],
    ids=["dropped", "truncated", "502", "500 without JSON", "503 with JSON"],
)
async def test_a_server_that_fails_is_passed_over_from_then_on(servers: Servers, failure: Answer) -> None:
    servers[0].play = once(failure)
    async with client(servers) as queen:
        await push(queen)
        assert counts(servers) == [1, 1, 0]
        await push(queen)
    assert counts(servers) == [1, 2, 0]


async def test_a_server_that_refuses_connections_is_passed_over_also_when_it_is_back(servers: Servers) -> None:
    async with client(servers) as queen:
        await servers[0].die()
        await push(queen)
        await servers[0].revive()
        await push(queen)
    assert counts(servers) == [0, 2, 0]


async def test_a_server_that_does_not_answer_in_time_is_passed_over(servers: Servers, clock: Clock) -> None:
    servers[0].play = once(Hang())
    async with client(servers) as queen:
        pushing = asyncio.ensure_future(push(queen))
        await servers[0].arrived.wait()
        clock.advance(30)
        with pytest.raises(QueenTimeoutError):
            await pushing
        await push(queen)
    assert counts(servers) == [1, 1, 0]


async def test_a_long_poll_that_is_not_answered_says_nothing_of_its_server(servers: Servers, clock: Clock) -> None:
    servers[0].play = once(Hang())
    async with client(servers) as queen:
        polling = asyncio.ensure_future(queen.queue("q").wait().timeout_millis(10_000).pop())
        await servers[0].arrived.wait()
        clock.advance(20)
        assert await polling == []
        await push(queen)
    assert counts(servers) == [2, 0, 0]


@pytest.mark.parametrize(
    "refusal",
    [
        answers({"error": "type must be string"}, 500),
        answers({"error": "bad request"}, 400),
        answers({"error": "no token"}, 401),
        Scripted(b"<html>not found</html>", 404),
        answers({"error": "the queue is full"}),
    ],
    ids=["500 with JSON", "400", "401", "404", "200"],
)
async def test_a_refusal_goes_to_no_other_server_and_leaves_its_server_healthy(
    servers: Servers, refusal: Answer
) -> None:
    servers[0].play = once(refusal)
    async with client(servers) as queen:
        with pytest.raises(QueenError):
            await push(queen)
        assert counts(servers) == [1, 0, 0]
        await push(queen)
    assert counts(servers) == [2, 0, 0]


@pytest.mark.parametrize("ask", [push, pop])
async def test_a_server_that_is_asked_too_much_hands_over_one_request_and_stays_healthy(
    servers: Servers, ask: Callable[[Queen], Awaitable[Any]]
) -> None:
    servers[0].play = once(answers({"error": "slow down"}, 429))
    async with client(servers) as queen:
        await ask(queen)
        assert counts(servers) == [1, 1, 0]
        await ask(queen)
    assert counts(servers) == [2, 1, 0]


async def test_a_server_is_used_again_when_its_time_is_over(servers: Servers, clock: Clock) -> None:
    servers[0].play = once(Drop())
    async with client(servers, health_retry_after_millis=60_000) as queen:
        await push(queen)
        clock.advance(55)
        await push(queen)
        assert counts(servers) == [1, 2, 0]
        clock.advance(5)
        await push(queen)
        await push(queen)
    assert counts(servers) == [3, 2, 0]


async def test_a_server_that_fails_again_waits_anew(servers: Servers, clock: Clock) -> None:
    servers[0].play = always(Drop())
    async with client(servers, health_retry_after_millis=60_000) as queen:
        await push(queen)
        clock.advance(60)
        await push(queen)
        assert counts(servers) == [2, 2, 0]
        clock.advance(55)
        await push(queen)
        assert counts(servers) == [2, 3, 0]
        clock.advance(5)
        await push(queen)
    assert counts(servers) == [3, 4, 0]


async def test_when_all_have_failed_they_are_tried_all_the_same(servers: Servers) -> None:
    for server in servers:
        server.play = always(Drop())
    servers[1].play = once(Drop())
    async with client(servers) as queen:
        with pytest.raises(ConnectionFailedError):
            await push(queen)
        assert counts(servers) == [1, 1, 1]
        await push(queen)
    assert counts(servers) == [2, 2, 1]


async def test_a_server_that_failed_is_better_than_none(servers: Servers) -> None:
    servers[0].play = once(Drop())
    async with client(servers) as queen:
        await push(queen)
        await servers[1].die()
        await servers[2].die()
        await push(queen)
    assert counts(servers) == [2, 1, 0]


async def test_a_request_goes_on_along_the_ring(servers: Servers) -> None:
    async with client(servers) as queen:
        await servers[0].die()
        await push(queen)
        assert counts(servers) == [0, 1, 0]
        await servers[1].die()
        await push(queen)
    assert counts(servers) == [0, 1, 1]


async def test_without_failover_a_request_fails_with_its_server(servers: Servers) -> None:
    servers[0].play = always(Drop())
    async with client(servers, enable_failover=False, retry_attempts=2) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await push(queen)
    assert raised.value.attempts == {servers[0].url: 3}
    assert counts(servers) == [3, 0, 0]


async def test_a_request_is_repeated_on_its_server_before_it_goes_on(servers: Servers) -> None:
    servers[0].play = servers[1].play = always(BAD_GATEWAY)
    async with client(servers, retry_attempts=2) as queen:
        await push(queen)
    assert counts(servers) == [3, 3, 1]


async def test_a_server_that_answers_the_repeat_keeps_the_request(servers: Servers) -> None:
    servers[0].play = once(BAD_GATEWAY)
    async with client(servers, retry_attempts=1) as queen:
        await push(queen)
        await push(queen)
    assert counts(servers) == [3, 0, 0]


async def test_when_no_server_can_be_reached_each_is_named_with_its_count(servers: Servers) -> None:
    async with client(servers, retry_attempts=2) as queen:
        for server in servers:
            await server.die()
        with pytest.raises(ConnectionFailedError) as raised:
            await push(queen)
    assert list(raised.value.attempts.items()) == [(server.url, 3) for server in servers]
    assert all(f"{server.url} (3 times)" in str(raised.value) for server in servers)
    assert not raised.value.maybe_delivered
    assert [item["data"] for item in raised.value.unsent] == [1]


async def test_a_lost_answer_anywhere_makes_the_error_doubtful(servers: Servers) -> None:
    servers[0].play = always(Drop())
    async with client(servers) as queen:
        await servers[1].die()
        await servers[2].die()
        with pytest.raises(ConnectionFailedError) as raised:
            await push(queen)
    assert raised.value.attempts == {server.url: 1 for server in servers}
    assert raised.value.maybe_delivered


async def test_when_all_servers_answer_5xx_the_last_ones_words_are_told(servers: Servers) -> None:
    for server in servers:
        server.play = always(BAD_GATEWAY)
    async with client(servers) as queen:
        with pytest.raises(HttpStatusError) as raised:
            await push(queen)
    assert (raised.value.status, raised.value.url) == (502, servers[2].url)
    assert counts(servers) == [1, 1, 1]


async def test_a_server_that_hangs_takes_no_more_than_the_timeout(servers: Servers, clock: Clock) -> None:
    servers[0].play = always(Hang())
    async with client(servers, timeout_millis=10_000, retry_attempts=3) as queen:
        started = clock.time()
        pushing = asyncio.ensure_future(in_time(push(queen)))
        await servers[0].arrived.wait()
        clock.advance(5)
        await let_all_run()
        assert not pushing.done()
        clock.advance(5)
        with pytest.raises(QueenTimeoutError) as raised:
            await pushing
        assert clock.time() - started < 15
    assert raised.value.timeout_millis == 10_000
    assert raised.value.attempts == {servers[0].url: 1}
    assert counts(servers) == [1, 0, 0]


async def test_repeats_and_servers_share_one_deadline(servers: Servers, clock: Clock) -> None:
    def slow(_: Received) -> Answer:
        clock.advance(3)
        return BAD_GATEWAY

    servers[0].play = slow
    servers[1].play = always(Hang())
    async with client(servers, timeout_millis=10_000, retry_attempts=1) as queen:
        started = clock.time()
        pushing = asyncio.ensure_future(in_time(push(queen)))
        await servers[1].arrived.wait()
        # Six seconds went by on the first server. With a deadline of its own the second would have ten.
        clock.advance(4)
        with pytest.raises(QueenTimeoutError) as raised:
            await pushing
        assert clock.time() - started < 15
    assert raised.value.attempts == {servers[0].url: 2, servers[1].url: 1}
    assert f"{servers[0].url} (2 times), {servers[1].url} (once)" in str(raised.value)
    assert counts(servers) == [2, 1, 0]


async def test_a_pause_beyond_the_deadline_is_not_made_and_the_next_server_asked(servers: Servers) -> None:
    servers[0].play = always(answers({"error": "starting"}, 503, retry_after="3600"))
    async with client(servers, retry_attempts=3) as queen:
        await push(queen)
    assert counts(servers) == [1, 1, 0]


async def test_a_push_that_a_lost_answer_stored_is_queued_on_the_next_server(servers: Servers) -> None:
    servers[0].play = always(Drop())
    servers[1].play = always(answers([{"status": "duplicate", "transaction_id": "t"}]))
    async with client(servers) as queen:
        [result] = await queen.queue("q").push([{"data": 1, "transactionId": "t"}])
    assert result["status"] == "queued"
    assert servers[0].received[0].json == servers[1].received[0].json


async def test_a_push_without_an_id_goes_to_no_second_server(servers: Servers) -> None:
    for server in servers:
        server.play = always(Drop())
    async with client(servers, retry_attempts=3) as queen:
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.send(messages.push(items=[{"queue": "q", "payload": 1}]))
    assert raised.value.maybe_delivered
    assert sum(counts(servers)) == 1


@pytest.mark.parametrize("failure", [Drop(), BAD_GATEWAY], ids=["dropped", "502"])
@pytest.mark.parametrize("wait", [False, True])
async def test_a_pop_that_may_have_leased_messages_goes_to_no_second_server(
    servers: Servers, failure: Answer, wait: bool
) -> None:
    servers[0].play = always(failure)
    async with client(servers, retry_attempts=3) as queen:
        with pytest.raises(QueenError) as raised:
            await queen.queue("q").wait(wait).pop()
        assert raised.value.maybe_delivered
        assert counts(servers) == [1, 0, 0]
        await queen.queue("q").wait(wait).pop()
    assert counts(servers) == [1, 1, 0]


async def test_an_ack_that_never_left_goes_on_without_doubt(servers: Servers) -> None:
    async with client(servers) as queen:
        message = await pop(queen)
        await servers[0].die()
        await servers[1].die()
        result = await message.ack()
    assert result["success"]
    assert "uncertain" not in result
    assert counts(servers) == [1, 0, 1]


@pytest.mark.parametrize("failure", [Drop(), BAD_GATEWAY], ids=["dropped", "502"])
@pytest.mark.parametrize("error", [None, "Invalid or expired lease"])
async def test_a_lost_answer_of_an_ack_is_repeated_once_on_the_next_server(
    servers: Servers, failure: Answer, error: Any
) -> None:
    servers[0].play = lost("ack", failure)
    servers[1].play = always(acked("t", error))
    async with client(servers, retry_attempts=3) as queen:
        result = await (await pop(queen)).ack()
    assert (result["success"], result.get("uncertain", False)) == (True, error is not None)
    assert counts(servers) == [2, 1, 0]


@pytest.mark.parametrize("status", [True, False, "dlq"])
async def test_an_ack_is_sent_twice_at_most_however_many_servers_there_are(servers: Servers, status: object) -> None:
    for server in servers:
        server.play = lost("ack", Drop())
    async with client(servers, retry_attempts=3) as queen:
        message = await pop(queen)
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.ack(message, status)
    assert raised.value.maybe_delivered
    assert counts(servers) == [2, 1, 0]
    assert servers[0].received[1].json == servers[1].received[0].json


async def test_a_transaction_of_acks_with_a_lost_answer_goes_to_no_second_server(servers: Servers) -> None:
    for server in servers:
        server.play = lost("transaction", Drop())
    async with client(servers, retry_attempts=3) as queen:
        message = await pop(queen)
        with pytest.raises(OutcomeUnknownError):
            await queen.transaction().ack(message).commit()
    assert sum(counts(servers)) == 2


async def test_a_transaction_that_knows_itself_again_is_repeated_once_on_another_server(servers: Servers) -> None:
    for server in servers:
        server.play = lost("transaction", Drop())
    async with client(servers, retry_attempts=3) as queen:
        with pytest.raises(OutcomeUnknownError):
            await queen.transaction().queue("q").push([{"data": 1}]).commit()
    assert sorted(counts(servers)) == [0, 1, 1]


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The consumer's backoff is a random part of a second; here it is the least part."""
    monkeypatch.setattr("queen.transport.retry.random.uniform", lambda least, _most: least)


def script(*steps: Answer) -> Play:
    """These answers to the pops, one after another, and the usual ones to all else."""
    left = list(steps)
    return lambda received: left.pop(0) if received.method == "GET" else usual(received)


def routes(server: Server) -> List[str]:
    """What a server was asked, in order: pops and the messages that were acknowledged."""
    asked = []
    for received in server.received:
        body: Any = None if received.method == "GET" else received.json
        asked.append("pop" if body is None else f"ack {body['transactionId']}")
    return asked


async def test_a_consumer_goes_on_with_the_next_server_and_returns_to_the_first(
    servers: Servers, clock: Clock, no_jitter: None
) -> None:
    first, second, third = servers
    first.play = script(batch("a"), batch("c"))
    second.play = script(batch("b"))
    handled: List[str] = []

    async def handler(message: Message) -> None:
        handled.append(message.data)
        if message.data == "a":
            await first.die()
        if message.data == "b":
            await first.revive()
            clock.advance(5)

    async with client(servers, health_retry_after_millis=5000) as queen:
        await in_time(queen.queue("q").limit(3).consume(handler))
    assert handled == ["a", "b", "c"]
    assert routes(first) == ["pop", "ack b", "pop", "ack c"]
    assert routes(second) == ["ack a", "pop"]
    assert routes(third) == []


async def test_a_consumer_whose_poll_breaks_polls_the_next_server(
    servers: Servers, clock: Clock, no_jitter: None
) -> None:
    first, second, _ = servers
    first.play = always(Hang())
    second.play = script(batch("a"))
    handled: List[str] = []
    async with client(servers) as queen:
        consumer = queen.queue("q").limit(1).consume(lambda message: handled.append(message.data))
        consuming = asyncio.ensure_future(in_time(consumer))
        await first.arrived.wait()
        await first.die()
        await consuming
    assert handled == ["a"]
    assert (routes(first), routes(second)) == (["pop"], ["pop", "ack a"])


async def test_a_consumer_of_two_servers_with_one_database_loses_nothing_when_one_dies(
    servers: Servers, no_jitter: None
) -> None:
    broker = open_broker("memory://")
    engine = InProcessEngine(broker.app, broker.close)

    async def forward(received: Received) -> Answer:
        headers = [(b"content-type", b"application/json")]
        reply = await engine.send("", received.target, received.method, headers, received.body, 0.0)
        return Scripted(reply.body, reply.status)

    async def dies_with_the_third_ack(received: Received) -> Answer:
        answer = await forward(received)
        # The ack took effect; its answer is lost, and all that comes after it.
        return Drop() if sum("/ack" in request.target for request in servers[0].received) >= 3 else answer

    for server in servers:
        server.play = forward
    handled: List[int] = []
    async with client(servers) as queen:
        await queen.queue("q").push([{"data": n} for n in range(40)])
        servers[0].play = dies_with_the_third_ack
        consumer = queen.queue("q").batch(5).limit(40)
        await consumer.consume(lambda batch: handled.extend(message.data for message in batch))
        assert await queen.queue("q").pop() == []
    await engine.close()
    assert handled == list(range(40))
    assert counts(servers)[1] > 5
    assert counts(servers)[2] == 0


async def pass_time(clock: Clock, task: asyncio.Future[Any]) -> None:
    """Let the loop's time run until a task ends."""
    while not task.done():
        clock.advance(1)
        await let_all_run()
        await asyncio.sleep(0.005)  # sockets need real time


async def test_an_ack_takes_no_longer_than_timeout_millis(servers: Servers, clock: Clock) -> None:
    for server in servers:
        server.play = lost("ack", Hang())
    async with client(servers, timeout_millis=10_000) as queen:
        message = await pop(queen)
        started = clock.time()
        acking = asyncio.ensure_future(message.ack())
        await pass_time(clock, acking)
        with pytest.raises(QueenTimeoutError):
            await acking
        assert clock.time() - started < 15


async def test_a_commit_takes_no_longer_than_timeout_millis(servers: Servers, clock: Clock) -> None:
    for server in servers:
        server.play = lost("transaction", Hang())
    async with client(servers, timeout_millis=10_000) as queen:
        started = clock.time()
        committing = asyncio.ensure_future(queen.transaction().queue("q").push([{"data": 1}]).commit())
        await pass_time(clock, committing)
        with pytest.raises(QueenError):
            await committing
        assert clock.time() - started < 15


async def test_the_error_of_an_ack_names_all_servers_that_were_tried(servers: Servers) -> None:
    for server in servers:
        server.play = lost("ack", Drop())
    async with client(servers) as queen:
        message = await pop(queen)
        with pytest.raises(ConnectionFailedError) as raised:
            await message.ack()
    assert raised.value.attempts == {servers[0].url: 1, servers[1].url: 1}


@pytest.mark.parametrize("then", [answers({"error": "slow down"}, 429), answers({"error": "bad type"}, 500)])
async def test_a_push_whose_answer_was_lost_stays_doubtful_when_the_next_server_refuses_it(
    servers: Servers, then: Answer
) -> None:
    servers[0].play = always(Drop())
    servers[1].play = servers[2].play = always(then)
    async with client(servers) as queen:
        with pytest.raises(QueenError) as raised:
            await push(queen)
    assert raised.value.maybe_delivered


async def test_a_503_with_json_is_as_doubtful_as_one_without_and_its_ack_repeated(servers: Servers) -> None:
    servers[0].play = lost("ack", answers({"error": "no database"}, 503))
    async with client(servers) as queen:
        message = await pop(queen)
        assert (await message.ack())["success"]


async def test_a_server_that_got_only_the_rest_of_a_deadline_is_not_marked(servers: Servers, clock: Clock) -> None:
    def slow(_: Received) -> Answer:
        clock.advance(9.95)
        return BAD_GATEWAY

    servers[0].play, servers[1].play = slow, once(Hang())
    async with client(servers, timeout_millis=10_000) as queen:
        with pytest.raises(QueenTimeoutError):
            await in_time(push(queen))
        await push(queen)
    assert counts(servers) == [1, 2, 0]


async def test_without_failover_a_key_keeps_to_its_server(servers: Servers) -> None:
    servers[0].play = once(Drop())
    async with client(servers, enable_failover=False) as queen:
        with pytest.raises(ConnectionFailedError):
            await push(queen)
        await push(queen)
    assert counts(servers) == [2, 0, 0]


async def test_when_all_servers_answer_5xx_each_is_named(servers: Servers) -> None:
    for server in servers:
        server.play = always(BAD_GATEWAY)
    async with client(servers) as queen:
        with pytest.raises(HttpStatusError) as raised:
            await push(queen)
    assert raised.value.attempts == {server.url: 1 for server in servers}
