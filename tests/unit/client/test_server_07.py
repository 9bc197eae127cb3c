"""What a client does where server 0.7 has other rules, on a broker of that dialect whose clock stands still."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any, AsyncIterator, Dict, List, Set

import pytest
from queen_api.api.messages import delete_message

from queen import Message, OutcomeUnknownError, Queen, ServerRefusedError, TransactionError
from queen.broker import Broker, ManualClock, open_broker
from queen.transport.engine import AnswerLostError, Reply
from queen.transport.engines.in_process import InProcessEngine

_numbers = itertools.count(1)

LEASE_SECONDS = 60


@pytest.fixture
def url() -> str:
    return f"memory://server-07-{next(_numbers)}"


class Time:
    """The time of the broker and of the client's event loop, moved on together."""

    def __init__(self, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self._clock = clock
        self._ahead = 0.0
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self._ahead)

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
        self._clock.advance(seconds)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def broker(url: str, clock: ManualClock) -> AsyncIterator[Broker]:
    opened = open_broker(url, clock=clock, dialect="0.7")
    yield opened
    await opened.close()


@pytest.fixture
async def time(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(clock, monkeypatch)


@pytest.fixture
async def queen(broker: Broker, url: str) -> AsyncIterator[Queen]:
    async with Queen(url) as client:
        yield client


async def push(queen: Queen, count: int, *, retry_limit: int = 3) -> None:
    await queen.queue("q").config({"leaseTime": LEASE_SECONDS, "retryLimit": retry_limit}).create()
    await queen.queue("q").push([{"data": {"n": n}} for n in range(count)])


async def pop(queen: Queen, batch: int = 100) -> List[Message]:
    return await queen.queue("q").batch(batch).pop()


def numbers(found: Any) -> List[int]:
    return [message["data"]["n"] for message in found]


async def letters(queen: Queen) -> List[int]:
    return numbers((await queen.queue("q").dlq().get())["messages"])


async def test_a_failure_behind_completed_messages_comes_again_with_what_follows(queen: Queen) -> None:
    await push(queen, 4)
    messages = await pop(queen)
    assert (await messages[0].ack())["success"]
    nacked = await messages[1].nack("not now")
    assert (nacked["success"], nacked["dlq"]) == (True, False)
    assert "comes again" in str((await messages[2].ack())["error"])
    assert numbers(await pop(queen)) == [1, 2, 3]


async def test_it_is_counted_and_at_the_limit_it_alone_is_a_dead_letter(queen: Queen) -> None:
    await push(queen, 4, retry_limit=2)
    deliveries = []
    while True:
        messages = await pop(queen, 3)
        if not messages:
            break
        deliveries.append(numbers(messages))
        await queen.ack([message for message in messages if message.data["n"] == 0], True)
        for message in messages:
            if message.data["n"] == 1:
                await message.nack("poison")
                break
            if message.data["n"] > 1:
                await message.ack()
    assert await letters(queen) == [1]
    # It was first in its batch from the second time on: then the whole batch counts one failure, until the limit.
    assert deliveries[0] == [0, 1, 2]
    assert deliveries[-1][-1] == 3
    assert sum(1 in delivery for delivery in deliveries) == 3


async def test_a_failure_of_the_first_message_fails_the_batch_once(queen: Queen) -> None:
    await push(queen, 3, retry_limit=1)
    messages = await pop(queen)
    nacked = await messages[0].nack("not now")
    assert (nacked["success"], nacked["dlq"]) == (True, False)
    messages = await pop(queen)
    assert numbers(messages) == [0, 1, 2]
    nacked = await messages[0].nack("never")
    assert (nacked["success"], nacked["dlq"]) == (True, True)
    assert await letters(queen) == [0]
    assert numbers(await pop(queen)) == [1, 2], "the rest is given back at once"


async def test_acks_of_a_part_of_the_batch_leave_the_count_of_failures_alone(queen: Queen) -> None:
    await push(queen, 6, retry_limit=1)
    messages = await pop(queen, 3)
    await queen.ack(messages[:2], True)
    assert not (await messages[2].nack("first time"))["dlq"]
    [again] = await pop(queen, 1)
    assert (await again.nack("second time"))["dlq"]
    assert await letters(queen) == [2]
    assert numbers(await pop(queen)) == [3, 4, 5]


async def test_a_batch_of_mixed_results_loses_nothing(queen: Queen) -> None:
    await push(queen, 5)
    messages = await pop(queen)
    for message, status in zip(messages, [True, True, False, True, True]):
        message["_status"] = status
    results = await queen.ack(messages)
    assert [result["success"] for result in results] == [True, True, True, False, False]
    assert numbers(await pop(queen)) == [2, 3, 4]


async def test_a_dead_letter_at_once_leaves_the_rest_where_it_is(queen: Queen) -> None:
    await push(queen, 3)
    messages = await pop(queen)
    results = [await messages[0].ack(), await messages[1].nack("never", status="dlq"), await messages[2].ack()]
    assert [(result["success"], result["dlq"]) for result in results] == [(True, False), (True, True), (True, False)]
    assert await letters(queen) == [1]
    assert await pop(queen) == []


async def test_what_is_given_back_behind_a_completed_message_comes_again_at_once(queen: Queen) -> None:
    await push(queen, 3)
    messages = await pop(queen)
    await messages[0].ack()
    assert (await queen.ack(messages[1], "retry"))["success"]
    assert numbers(await pop(queen)) == [1, 2]


async def test_what_is_given_back_with_nothing_before_it_comes_again_after_the_lease(queen: Queen, time: Time) -> None:
    await push(queen, 2)
    messages = await pop(queen)
    assert (await queen.ack(messages[0], "retry"))["success"]
    assert await pop(queen) == []
    time.advance(LEASE_SECONDS)
    assert numbers(await pop(queen)) == [0, 1]


async def test_a_batch_ack_after_the_lease_moves_nothing(queen: Queen, time: Time) -> None:
    await push(queen, 3)
    messages = await pop(queen)
    time.advance(LEASE_SECONDS)
    results = await queen.ack(messages, True)
    assert [result["success"] for result in results] == [False] * 3
    assert all("lease" in str(result["error"]) for result in results)
    assert numbers(await pop(queen)) == [0, 1, 2]


async def test_a_slow_batch_is_acknowledged_while_its_lease_lasts(queen: Queen, time: Time) -> None:
    await push(queen, 3)
    messages = await pop(queen)
    time.advance(LEASE_SECONDS - 1)
    assert [result["success"] for result in await queen.ack(messages, True)] == [True] * 3
    time.advance(LEASE_SECONDS)
    assert await pop(queen) == []


async def test_a_transaction_after_the_lease_does_nothing(queen: Queen, time: Time) -> None:
    await push(queen, 1)
    await queen.queue("out").create()
    [message] = await pop(queen)
    time.advance(LEASE_SECONDS)
    with pytest.raises(TransactionError, match="lease"):
        await queen.transaction().ack(message).queue("out").push([{"data": 1}]).commit()
    assert await queen.queue("out").pop() == []
    assert numbers(await pop(queen)) == [0]


async def test_a_failure_in_a_transaction_leaves_the_lease(queen: Queen) -> None:
    await push(queen, 2)
    messages = await pop(queen)
    await queen.transaction().ack(messages[0], "failed", {"error": "never"}).commit()
    assert (await messages[1].ack())["success"]
    assert await letters(queen) == [0]
    assert await pop(queen) == []


@pytest.mark.parametrize("own_id", [False, True])
async def test_a_commit_whose_answer_was_lost_is_known_by_the_id_that_the_client_made(
    queen: Queen, monkeypatch: pytest.MonkeyPatch, own_id: bool
) -> None:
    await push(queen, 1)
    [message] = await pop(queen)
    transaction = queen.transaction().ack(message).queue("out").push([{"data": {"n": 1}}])
    if own_id:
        transaction = queen.transaction().ack(message).queue("out").push([{"data": 1, "transactionId": "mine"}])
    lose_the_answer(monkeypatch, "/api/v1/transaction")
    if own_id:
        with pytest.raises(OutcomeUnknownError):
            await transaction.commit()
    else:
        assert (await transaction.commit())["success"]
    assert len(await queen.queue("out").batch(9).pop()) == 1
    assert await pop(queen) == []


def lose_the_answer(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Let the next request to a target take effect, and its answer be lost."""
    send = InProcessEngine.send

    async def losing(engine: InProcessEngine, *arguments: Any) -> Reply:
        reply = await send(engine, *arguments)
        if arguments[1].startswith(target):
            monkeypatch.undo()
            raise AnswerLostError("the answer was lost")
        return reply

    monkeypatch.setattr(InProcessEngine, "send", losing)


async def test_a_signal_gives_back_what_was_not_started(queen: Queen) -> None:
    await push(queen, 4)
    signal = asyncio.Event()
    seen: List[int] = []

    async def handler(message: Message) -> None:
        seen.append(message.data["n"])
        signal.set()

    await queen.queue("q").batch(4).each().consume(handler, signal=signal)
    assert seen == [0]
    assert numbers(await pop(queen)) == [1, 2, 3]


async def test_a_queue_name_with_a_colon_is_refused(queen: Queen) -> None:
    with pytest.raises(ValueError, match="would mix it up with 'a'"):
        await queen.queue("a:b").push([{"data": 1}])
    with pytest.raises(ValueError, match="colon"):
        await queen.queue("a:b").buffer().push([{"data": 1}])
    with pytest.raises(ValueError, match="colon"):
        await queen.queue("a:b").create()


@pytest.mark.parametrize("seed", range(30))
async def test_every_message_is_settled_in_the_end(queen: Queen, time: Time, seed: int) -> None:
    draw = random.Random(seed)
    everything = set(range(10))
    await push(queen, 10, retry_limit=draw.choice([0, 1, 3]))
    completed: Dict[int, int] = {}
    for _ in range(300):
        messages = await pop(queen, draw.randint(1, 6))
        if not messages:
            time.advance(LEASE_SECONDS)
            messages = await pop(queen, draw.randint(1, 6))
        if not messages:
            break
        await settle_somehow(queen, draw, messages, completed)
    else:
        pytest.fail("the queue never became empty")
    dead: Set[int] = set(await letters(queen))
    assert set(completed) | dead == everything
    assert not set(completed) & dead
    assert set(completed.values()) <= {1}


async def settle_somehow(queen: Queen, draw: random.Random, messages: List[Message], completed: Dict[int, int]) -> None:
    """Decide for each message, one by one or together, in any order; note what truly took effect."""
    shuffled = draw.sample(messages, len(messages))
    decisions: Dict[int, Any] = {
        message.data["n"]: draw.choice([True, True, True, False, "dlq", "retry"]) for message in messages
    }
    if draw.random() < 0.5:
        for message in shuffled:
            message["_status"] = decisions[message.data["n"]]
        await queen.ack(shuffled)
    else:
        for message in shuffled:
            await queen.ack(message, decisions[message.data["n"]])
    for message in messages:
        number = message.data["n"]
        result = await queen.ack(message, decisions[number])
        if result["success"] and decisions[number] is True:
            completed[number] = completed.get(number, 0) + 1


@pytest.mark.parametrize("batch", [1, 5])
async def test_a_failed_batch_whose_answer_was_lost_is_not_failed_twice(
    queen: Queen, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    await push(queen, 5)
    messages = await pop(queen, batch)
    lose_the_answer(monkeypatch, "/api/v1/ack")
    assert (await messages[0].nack("not now"))["success"]
    assert await letters(queen) == []
    assert numbers(await pop(queen)) == [0, 1, 2, 3, 4]


async def test_a_batch_ack_whose_answer_was_lost_does_not_touch_who_has_the_partition_now(
    queen: Queen, monkeypatch: pytest.MonkeyPatch
) -> None:
    await push(queen, 4)
    messages = await pop(queen, 2)
    lose_the_answer(monkeypatch, "/api/v1/ack/batch")
    results = await queen.ack(messages, True)
    assert [(result["success"], result.get("uncertain")) for result in results] == [(True, True), (True, True)]
    assert numbers(await pop(queen)) == [2, 3]


async def test_dicts_of_a_part_of_a_batch_are_acknowledged_one_by_one(queen: Queen) -> None:
    await push(queen, 3)
    messages = await pop(queen)
    results = await queen.ack([dict(message) for message in messages[:2]], True)
    assert [result["success"] for result in results] == [True, True]
    assert (await queen.ack(dict(messages[2]), False))["success"]
    assert await letters(queen) == []
    assert numbers(await pop(queen)) == [2]


async def test_an_ack_of_a_message_that_was_deleted_does_not_count(queen: Queen) -> None:
    await push(queen, 4)
    messages = await pop(queen)
    await queen.send(delete_message(partition_id=messages[0].partition_id, transaction_id=messages[0].transaction_id))
    assert not (await messages[0].ack())["success"]
    assert (await messages[1].ack())["success"]
    nacked = await messages[2].nack("not now")
    assert (nacked["success"], nacked["dlq"]) == (True, False)
    assert numbers(await pop(queen)) == [2, 3]


async def test_a_transaction_pushes_to_no_name_with_a_colon(queen: Queen) -> None:
    with pytest.raises(ValueError, match="colon"):
        await queen.transaction().queue("a:b").push([{"data": 1}]).commit()


async def test_a_poll_that_could_not_be_acknowledged_is_an_error(queen: Queen, monkeypatch: pytest.MonkeyPatch) -> None:
    await push(queen, 1)
    send = InProcessEngine.send

    async def refusing(engine: InProcessEngine, *arguments: Any) -> Reply:
        if arguments[1].startswith("/api/v1/ack"):
            return Reply(200, {}, b'{"error": "Failed to acknowledge message: invalid_lease"}')
        return await send(engine, *arguments)

    monkeypatch.setattr(InProcessEngine, "send", refusing)
    with pytest.raises(ServerRefusedError, match="invalid_lease"):
        await queen.queue("q").auto_ack().wait().pop()
