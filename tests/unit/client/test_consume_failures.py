"""Consuming from a server that fails: lost answers, leases that are gone, polls that are not held."""

from __future__ import annotations

import asyncio
from typing import Any, List

import pytest

from queen import AuthenticationError, ConnectionFailedError, LeaseLostError, Message, Queen
from tests.scripted_server import Answer, Drop, Received, Scripted, ScriptedServer, answers

POPPED = {
    "success": True, "queue": "q", "partition": "Default", "partitionId": "p", "leaseId": "l", "consumerGroup": "g",
    "partitionsClaimed": 1,
}  # fmt: skip


def batch(*names: str) -> Answer:
    messages = [
        {
            "id": name, "transactionId": name, "traceId": None, "data": name, "producerSub": None, "leaseId": "l",
            "createdAt": "2026-01-31T10:20:30.123456Z", "partition": "Default", "partitionId": "p",
            "consumerGroup": "g",
        }
        for name in names
    ]  # fmt: skip
    return answers({**POPPED, "messages": messages})


def acked(received: Received, success: bool = True, error: Any = None, dlq: bool = False) -> Answer:
    body: Any = received.json
    acks = body.get("acknowledgments", [body])
    return answers(
        [
            {
                "index": 0, "transactionId": ack["transactionId"], "success": success, "error": error,
                "queueName": "q", "partitionName": "Default", "leaseReleased": True, "dlq": dlq,
            }
            for ack in acks
        ]
    )  # fmt: skip


async def test_a_lost_answer_backs_off_and_a_wrong_token_ends_it() -> None:
    script: List[Answer] = [Drop(), answers({"success": True, "messages": []}), answers({"error": "no"}, 401)]
    async with ScriptedServer(lambda _: script.pop(0)) as server, Queen(server.url, retry_attempts=0) as queen:
        consumer = queen.queue("q").consume(lambda message: None)
        with pytest.raises(AuthenticationError):
            await asyncio.wait_for(consumer, 10)
    assert len(server.received) == 3


async def test_a_server_that_does_not_hold_polls_is_not_asked_in_a_circle() -> None:
    paused = Scripted(b'{"messages":[],"paused":true}', status=204)
    async with ScriptedServer(lambda _: paused) as server, Queen(server.url) as queen:
        assert await queen.queue("q").wait().timeout_millis(60_000).pop() == []
        assert len(server.received) == 1
        await queen.queue("q").idle_millis(250).consume(lambda message: None)
    assert len(server.received) <= 5


async def test_an_ack_that_fails_never_becomes_a_nack() -> None:
    statuses: List[Any] = []
    pops = [batch("a"), batch("b")]

    def script(received: Received) -> Answer:
        if received.method == "GET":
            return pops.pop(0)
        body: Any = received.json
        statuses.append((body["transactionId"], body["status"]))
        return Drop() if body["transactionId"] == "a" else acked(received)

    async with ScriptedServer(script) as server, Queen(server.url, retry_attempts=0) as queen:
        await queen.queue("q").limit(2).consume(lambda message: None)
    assert statuses == [("a", "completed"), ("a", "completed"), ("b", "completed")]


async def test_a_lease_that_cannot_be_renewed_is_told_and_its_renewal_ends() -> None:
    renewals: List[Any] = []
    lost: List[Any] = []
    told = asyncio.Event()

    def script(received: Received) -> Answer:
        if received.method == "GET":
            return batch("a", "b")
        if "/lease/" in received.target:
            renewals.append(received.json)
            return answers(
                [{"index": 0, "leaseId": "l", "success": False, "error": "Lease not found", "expiresAt": None}]
            )
        return acked(received)

    async def handler(message: Message) -> None:
        await told.wait()
        seen.append((message.data, message.lease_lost))

    def on_lease_lost(messages: List[Message], error: LeaseLostError) -> None:
        lost.append(([message.data for message in messages], error.lease_id))
        told.set()

    seen: List[Any] = []
    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        consumer = queen.queue("q").group("g").batch(2).each().limit(1).renew_lease(True, 5)
        await consumer.consume(handler).on_lease_lost(on_lease_lost)
    assert lost == [(["a", "b"], "l")]
    assert seen == [("a", True)]
    assert renewals == [{"seconds": 60}]


@pytest.mark.parametrize("refusal", [answers({"error": "no"}, 400), answers({"error": "no"}, 500)])
async def test_a_renewal_that_is_refused_for_ever_is_told_too(refusal: Answer) -> None:
    lost = asyncio.Event()

    def script(received: Received) -> Answer:
        if received.method == "GET":
            return batch("a")
        return refusal if "/lease/" in received.target else acked(received)

    async def handler(message: Message) -> None:
        await lost.wait()
        assert message.lease_lost

    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        consumer = queen.queue("q").limit(1).renew_lease(True, 5).consume(handler)
        await asyncio.wait_for(consumer.on_lease_lost(lambda messages, error: lost.set()), 5)
    assert sum("/lease/" in received.target for received in server.received) == 1


async def test_a_server_that_is_away_for_longer_than_the_lease_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: real() + ahead[0])
    lost, renewed = asyncio.Event(), asyncio.Event()

    def script(received: Received) -> Answer:
        if received.method == "GET":
            return batch("a")
        if "/lease/" not in received.target:
            return acked(received)
        if renewed.is_set():
            return Drop()
        renewed.set()
        return answers({"extended": True, "leaseId": "l", "seconds": 60})

    async def handler(message: Message) -> None:
        await renewed.wait()
        assert not message.lease_lost
        ahead[0] = 61
        await lost.wait()

    async with ScriptedServer(script) as server, Queen(server.url, retry_attempts=0) as queen:
        consumer = queen.queue("q").limit(1).renew_lease(True, 5).consume(handler)
        await asyncio.wait_for(consumer.on_lease_lost(lambda messages, error: lost.set()), 600)


async def test_a_lease_callback_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    told = asyncio.Event()

    def script(received: Received) -> Answer:
        if received.method == "GET":
            return batch("a")
        if "/lease/" in received.target:
            return answers({"error": "Lease not found or expired"})
        return acked(received)

    def on_lease_lost(messages: List[Message], error: LeaseLostError) -> None:
        told.set()
        raise ValueError("the callback fails")

    async def handler(message: Message) -> None:
        await told.wait()

    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        consumer = queen.queue("q").limit(1).renew_lease(True, 5)
        await consumer.consume(handler).on_lease_lost(on_lease_lost)
    assert "the callback fails" in caplog.text


async def test_an_idle_end_after_a_failed_pop_is_an_error_and_not_the_end_of_the_work() -> None:
    async with ScriptedServer(lambda _: Drop()) as server, Queen(server.url, retry_attempts=0) as queen:
        with pytest.raises(ConnectionFailedError):
            await queen.queue("q").idle_millis(20).consume(lambda message: None)


@pytest.mark.parametrize("name", ["on_success", "on_error", "on_lease_lost"])
@pytest.mark.parametrize("callback", [5, lambda message: None, lambda: None])
async def test_what_cannot_be_called_back_is_refused_before_a_message_is_popped(name: str, callback: Any) -> None:
    consumer = Queen("http://127.0.0.1:1").queue("q").consume(lambda message: None)
    with pytest.raises(TypeError, match=f"{name}=.*function of 2 arguments"):
        getattr(consumer, name)(callback)
    consumer.close()


async def test_after_a_nack_that_could_not_be_sent_what_is_behind_it_is_not_handled() -> None:
    seen: List[Any] = []
    nacks = 0

    def script(received: Received) -> Answer:
        nonlocal nacks
        if received.method == "GET":
            return batch("a", "b", "c") if received.target != "/health" else answers({"server": "libqueen"})
        body: Any = received.json
        if body.get("status") == "failed":
            nacks += 1
            return Drop()
        return acked(received)

    def handler(message: Message) -> None:
        seen.append(message.data)
        if message.data == "a":
            raise ValueError("not now")

    async with ScriptedServer(script) as server, Queen(server.url, retry_attempts=0) as queen:
        await queen.queue("q").batch(3).each().limit(1).consume(handler)
    assert seen == ["a"]
    assert nacks == 2


async def test_a_poll_that_is_parked_when_the_signal_comes_gives_back_what_it_brings() -> None:
    signal, parked, release = asyncio.Event(), asyncio.Event(), asyncio.Event()
    given_back: List[Any] = []

    async def script(received: Received) -> Answer:
        if received.target == "/health":
            return answers({"server": "libqueen"})
        if received.method == "GET":
            parked.set()
            await release.wait()
            return batch("a")
        given_back.append(received.json)
        return acked(received)

    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        consuming = asyncio.ensure_future(queen.queue("q").consume(lambda message: None, signal))
        await asyncio.wait_for(parked.wait(), 5)
        signal.set()
        release.set()
        await asyncio.wait_for(consuming, 5)
    assert [body["status"] for body in given_back] == ["retry"]
