"""What becomes of consumed messages whose payloads do not fit the model of their queue."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import Any, Dict, List

import pytest

from queen import Message, PayloadError, Queen
from queen.broker import ManualClock, open_broker
from tests.scripted_server import Answer, Drop, Received, ScriptedServer, answers
from tests.unit.client.typed.models import Number, PydanticNumber

FITS: Any = {"n": 1}
WRONG: Any = {"n": "text"}


async def pushed(queen: Queen, queue: str, payloads: List[Any], **config: object) -> None:
    await queen.queue(queue).config({"leaseTime": 60, **config}).create()
    await queen.queue(queue).push([{"data": data, "transactionId": f"m{n}"} for n, data in enumerate(payloads)])


async def letters(queen: Queen, queue: str) -> Dict[str, Any]:
    found = (await queen.queue(queue).dlq().get())["messages"]
    return {letter["transactionId"]: letter["errorMessage"] for letter in found}


async def left(queen: Queen, queue: str) -> List[str]:
    return [message.transaction_id for message in await queen.queue(queue).batch(9).pop()]


@pytest.mark.parametrize("model", [Number, PydanticNumber])
@pytest.mark.parametrize("each", [False, True])
async def test_a_misfit_is_a_dead_letter_at_once_and_consuming_goes_on(
    queen: Queen, queue_name: str, caplog: pytest.LogCaptureFixture, model: Any, each: bool
) -> None:
    await pushed(queen, queue_name, [{"n": 0}, WRONG, {"n": 2}], retryLimit=3)
    seen: List[Any] = []
    consumer = queen.queue(queue_name, model=model).batch(3 if each else 1).each(each).limit(3)
    await consumer.consume(lambda message: seen.append(message.data))
    assert seen == [model(n=0), model(n=2)]
    reasons = await letters(queen, queue_name)
    assert list(reasons) == ["m1"]
    assert reasons["m1"].startswith(f"the payload does not fit {model.__name__}: ")
    assert "int" in reasons["m1"]
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "m1" in record.getMessage()
    assert "does not fit" in record.getMessage()
    assert await left(queen, queue_name) == []


async def test_misfits_are_taken_out_of_a_batch_and_the_others_stay_in_order(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, [WRONG, {"n": 1}, WRONG, {"n": 3}, WRONG])
    seen: List[List[int]] = []

    def handler(messages: List[Message[Number]]) -> None:
        seen.append([message.data.n for message in messages])
        messages.clear()

    await queen.queue(queue_name, model=Number).batch(5).limit(5).consume(handler)
    assert seen == [[1, 3]]
    assert sorted(await letters(queen, queue_name)) == ["m0", "m2", "m4"]
    assert await left(queen, queue_name) == []


async def test_the_handler_is_not_called_with_nothing(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, [WRONG, WRONG])
    seen: List[Any] = []
    await queen.queue(queue_name, model=Number).batch(2).limit(2).consume(seen.append)
    assert seen == []
    assert sorted(await letters(queen, queue_name)) == ["m0", "m1"]


async def test_a_handle_counts_misfits_as_failed(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, [{"n": 0}, WRONG, {"n": 2}])
    handle = queen.queue(queue_name, model=Number).batch(3).limit(3).consume(lambda messages: None).start()
    await handle
    assert (handle.handled, handle.failed) == (2, 1)
    assert isinstance(handle.last_error, PayloadError)


@pytest.mark.parametrize("wrong_at", [0, 1, 2])
async def test_a_batch_whose_handler_fails_loses_nothing_beside_its_misfit(
    queen: Queen, queue_name: str, wrong_at: int
) -> None:
    payloads = [{"n": 0}, {"n": 1}, {"n": 2}]
    payloads[wrong_at] = WRONG
    await pushed(queen, queue_name, payloads)
    seen: List[List[str]] = []

    def handler(messages: List[Message[Number]]) -> None:
        seen.append([message.transaction_id for message in messages])
        if len(seen) == 1:
            raise ValueError("not yet")

    await queen.queue(queue_name, model=Number).batch(3).idle_millis(50).consume(handler)
    others = [f"m{n}" for n in range(3) if n != wrong_at]
    assert seen == [others, others]
    assert list(await letters(queen, queue_name)) == [f"m{wrong_at}"]
    assert await left(queen, queue_name) == []


@pytest.mark.parametrize("each", [False, True])
async def test_an_error_of_nobody_is_a_counted_failure_and_nothing_behind_it_is_handled_twice(
    queen: Queen, queue_name: str, each: bool
) -> None:
    await pushed(queen, queue_name, [{"n": 0}, WRONG, {"n": 2}], retryLimit=1)
    seen: List[int] = []

    def handler(subject: Any) -> None:
        seen.extend(message.data.n for message in ([subject] if each else subject))

    consumer = queen.queue(queue_name, model=Number, misfits="error").batch(3).each(each).idle_millis(50)
    await consumer.consume(handler)
    assert seen == [0, 2]
    reasons = await letters(queen, queue_name)
    assert reasons == {"m1": "the payload does not fit Number: Expected `int`, got `str` - at `$.n`"}
    assert await left(queen, queue_name) == []


async def test_an_error_alone_in_its_batch_comes_again_until_the_retry_limit(
    queen: Queen, queue_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await pushed(queen, queue_name, [WRONG, {"n": 1}], retryLimit=2)
    seen: List[int] = []
    consumer = queen.queue(queue_name, model=Number, misfits="error").idle_millis(50)
    await consumer.consume(lambda message: seen.append(message.data.n))
    assert seen == [1]
    assert caplog.text.count("ConsumeBuilder.misfit") == 3
    assert list(await letters(queen, queue_name)) == ["m0"]


@pytest.mark.parametrize("batch", [1, 3])
async def test_the_error_callback_is_told_of_each_misfit_and_settles_it(
    queen: Queen, queue_name: str, batch: int
) -> None:
    await pushed(queen, queue_name, [{"n": 0}, WRONG, {"n": 2}])
    told: List[Any] = []

    async def handler(subject: Any) -> None:
        messages = subject if isinstance(subject, list) else [subject]
        for message in messages:
            told.append(message.data.n)
            assert (await message.ack())["success"]

    async def on_error(message: Message[Number], error: Exception) -> None:
        assert isinstance(error, PayloadError)
        told.append((message["data"], error.reason))
        assert (await message.nack(error.reason, status="dlq"))["success"]

    queue = queen.queue(queue_name, model=Number, misfits="error").batch(batch).limit(3)
    await queue.consume(handler).on_error(on_error)
    assert sorted(told, key=str) == [(WRONG, "Expected `int`, got `str` - at `$.n`"), 0, 2]
    assert list(await letters(queen, queue_name)) == ["m1"]
    assert await left(queen, queue_name) == []


async def test_what_is_behind_a_misfit_that_the_callback_nacks_comes_again_and_is_handled_once(
    queen: Queen, queue_name: str
) -> None:
    await pushed(queen, queue_name, [{"n": 0}, WRONG, {"n": 2}], retryLimit=1)
    seen: List[int] = []

    async def handler(messages: List[Message[Number]]) -> None:
        for message in messages:
            seen.append(message.data.n)
            await message.ack()

    queue = queen.queue(queue_name, model=Number, misfits="error").batch(3).idle_millis(50)
    await queue.consume(handler).on_error(lambda message, error: message.nack(str(error)))
    assert seen == [0, 2]
    assert list(await letters(queen, queue_name)) == ["m1"]
    assert await left(queen, queue_name) == []


@pytest.mark.parametrize("each", [False, True])
async def test_a_misfit_whose_lease_the_callback_gave_back_is_not_told_under_it(
    queen: Queen, queue_name: str, each: bool
) -> None:
    await pushed(queen, queue_name, [WRONG, WRONG], retryLimit=1)
    results: List[Any] = []

    async def on_error(message: Message, error: Exception) -> None:
        results.append(await message.nack(str(error)))

    consumer = queen.queue(queue_name, model=Number, misfits="error").batch(2).each(each).idle_millis(50)
    await consumer.consume(lambda subject: None).on_error(on_error)
    assert all(result["success"] for result in results)
    assert sorted(await letters(queen, queue_name)) == ["m0", "m1"]


async def test_an_error_that_the_callback_leaves_alone_settles_nothing(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, [WRONG])
    told: List[Message] = []
    queue = queen.queue(queue_name, model=Number, misfits="error").limit(1)
    await queue.consume(lambda message: None).on_error(lambda message, error: told.append(message))
    assert await left(queen, queue_name) == []
    assert await letters(queen, queue_name) == {}
    assert (await told[0].ack())["success"]


async def test_a_callback_that_raises_is_logged_and_consuming_goes_on(
    queen: Queen, queue_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await queen.queue(queue_name).partition("a").push([{"data": WRONG}])
    await queen.queue(queue_name).partition("b").push([{"data": FITS}])
    seen: List[int] = []

    def on_error(message: Message, error: Exception) -> None:
        raise RuntimeError("the callback fails")

    queue = queen.queue(queue_name, model=Number, misfits="error").limit(2)
    await queue.consume(lambda message: seen.append(message.data.n)).on_error(on_error)
    assert seen == [1]
    assert "the callback fails" in caplog.text


@pytest.mark.parametrize("callback", [False, True])
async def test_a_dead_letter_waits_for_those_before_it_that_the_user_settles(
    queen: Queen, queue_name: str, callback: bool
) -> None:
    """With auto_ack(False), or with on_success, the user settles what the handler has seen, and the loop the misfit."""
    await pushed(queen, queue_name, [{"n": 0}, WRONG, {"n": 2}])
    held: List[Message[Number]] = []
    queue = queen.queue(queue_name, model=Number).batch(3).each().limit(3)
    if callback:
        await queue.consume(held.append).on_success(lambda message, result: None)
    else:
        await queue.auto_ack(False).consume(held.append)
    assert [message.transaction_id for message in held] == ["m0", "m2"]
    assert await letters(queen, queue_name) == {}
    assert (await held[1].ack()).get("pending")
    assert (await held[0].ack())["success"]
    assert list(await letters(queen, queue_name)) == ["m1"]
    assert (await held[1].ack())["success"]
    assert await left(queen, queue_name) == []


async def test_an_error_that_nobody_sees_is_counted_without_auto_ack_too(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, [WRONG, FITS], retryLimit=0)
    held: List[Message[Number]] = []
    await queen.queue(queue_name, model=Number, misfits="error").auto_ack(False).limit(2).consume(held.append)
    assert [message.data.n for message in held] == [1]
    assert list(await letters(queen, queue_name)) == ["m0"]


@pytest.mark.parametrize("misfits", ["dead_letter", "error"])
async def test_a_validator_that_fails_is_no_misfit_but_a_failure(
    queen: Queen, queue_name: str, caplog: pytest.LogCaptureFixture, misfits: Any
) -> None:
    await pushed(queen, queue_name, [{"n": 666}, {"n": 13}, FITS], retryLimit=1)
    seen: List[int] = []
    consumer = queen.queue(queue_name, model=Number, misfits=misfits).idle_millis(50)
    await consumer.consume(lambda message: seen.append(message.data.n))
    assert seen == [1]
    reasons = await letters(queen, queue_name)
    assert reasons == {"m0": "the validator fails", "m1": "the payload does not fit Number: thirteen is unlucky"}
    assert "LookupError" in caplog.text


@pytest.mark.parametrize("misfits", ["dead_letter", "error"])
async def test_partitions_of_one_pop_do_not_hold_each_other_up(queen: Queen, queue_name: str, misfits: Any) -> None:
    await queen.queue(queue_name).config({"leaseTime": 60, "retryLimit": 0}).create()
    for name in "ab":
        for n, data in enumerate([{"n": 0}, WRONG if name == "a" else {"n": 1}, {"n": 2}]):
            await queen.queue(queue_name).partition(name).push([{"data": data, "transactionId": f"{name}{n}"}])
    seen: List[str] = []

    def handler(messages: List[Message[Number]]) -> None:
        seen.extend(message.transaction_id for message in messages)

    consumer = queen.queue(queue_name, model=Number, misfits=misfits).batch(6).partitions(2).idle_millis(50)
    await consumer.consume(handler)
    assert [name for name in seen if name[0] == "a"] == ["a0", "a2"]
    assert [name for name in seen if name[0] == "b"] == ["b0", "b1", "b2"]
    assert list(await letters(queen, queue_name)) == ["a1"]
    assert await left(queen, queue_name) == []


async def test_a_signal_gives_back_what_was_not_started_misfits_too(queen: Queen, queue_name: str) -> None:
    await pushed(queen, queue_name, [{"n": 0}, WRONG, {"n": 2}])
    signal = asyncio.Event()
    consumer = queen.queue(queue_name, model=Number).batch(3).each()
    await consumer.consume(lambda message: signal.set(), signal=signal)
    assert await letters(queen, queue_name) == {}
    assert await left(queen, queue_name) == ["m1", "m2"]


@pytest.mark.dialects("embedded", "0.15")
async def test_a_misfit_under_a_lease_that_is_over_comes_again(
    server_dialect: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is settled under a lease that is over, and what is behind the misfit is not handled under it."""
    clock = ManualClock()
    broker = open_broker("memory://late-misfits", dialect=server_dialect, clock=clock)

    @dataclasses.dataclass
    class Slow:
        n: int

        def __post_init__(self) -> None:
            clock.advance(5)
            if self.n == 0:
                raise ValueError("read too late")

    try:
        async with Queen("memory://late-misfits") as queen:
            await pushed(queen, "q", [{"n": 0}, {"n": 1}], leaseTime=1)
            seen: List[Any] = []
            await queen.queue("q", model=Slow).batch(2).limit(2).consume(seen.append)
            assert seen == []
            assert "Invalid or expired lease" in caplog.text
            assert await letters(queen, "q") == {}
            assert await left(queen, "q") == ["m0", "m1"]
    finally:
        await broker.close()


async def test_a_dead_letter_that_could_not_be_sent_goes_before_the_ack_behind_it() -> None:
    statuses: List[Any] = []
    message: Dict[str, Any] = {
        "traceId": None, "producerSub": None, "leaseId": "l", "createdAt": "2026-01-31T10:20:30.123456Z",
        "partition": "Default", "partitionId": "p", "consumerGroup": "g",
    }  # fmt: skip
    popped = [
        {**message, "id": name, "transactionId": name, "data": data} for name, data in (("a", WRONG), ("b", FITS))
    ]

    def script(received: Received) -> Answer:
        if received.method == "GET":
            return answers({"success": True, "messages": popped, "leaseId": "l", "consumerGroup": "g"})
        body: Any = received.json
        statuses.append((body["transactionId"], body["status"]))
        if len(statuses) <= 2:  # the ack and its repeat
            return Drop()
        dlq = body["status"] == "dlq"
        return answers(
            [{"index": 0, "transactionId": body["transactionId"], "success": True, "error": None, "dlq": dlq}]
        )

    seen: List[int] = []
    async with ScriptedServer(script) as server, Queen(server.url, retry_attempts=0, dialect="0.15") as queen:
        queue = queen.queue("q", model=Number).group("g").batch(2).each().limit(2)
        await queue.consume(lambda message: seen.append(message.data.n))
    assert seen == [1]
    assert statuses == [("a", "dlq"), ("a", "dlq"), ("a", "dlq"), ("b", "completed")]
