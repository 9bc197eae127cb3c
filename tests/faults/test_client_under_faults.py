"""What the client does with each fault: it tells the truth about what happened, and nothing is lost or stored twice."""

from __future__ import annotations

import asyncio
import uuid
from typing import Awaitable, Dict, List, Mapping, Optional, Sequence, Tuple

import pytest

from queen import (
    ConnectionFailedError,
    HttpStatusError,
    Message,
    OutcomeUnknownError,
    ProtocolError,
    Queen,
    QueenError,
    QueenTimeoutError,
)
from queen.transport.retry import RetryPolicy
from tests.faults import fault_kinds as faults
from tests.faults.fault_kinds import Fault
from tests.faults.plans import Clear, Scripted
from tests.faults.proxy import FaultProxy

pytestmark = pytest.mark.sockets

# Repeats at once: these tests are about what is done, and not about when.
OPTIONS = {"retry_delay_millis": 0, "retry_attempts": 1, "health_retry_after_millis": 0}

HARMLESS: List[Fault] = [faults.Trickle(), faults.CloseIdle(), faults.Delay(0.01), faults.Stall(0.01)]
# The whole answer came, and then the end of the connection.
AFTERWARDS: List[Fault] = [*HARMLESS, faults.ResetAfter()]
NEVER_DELIVERED: List[Fault] = [faults.Instead(429), faults.Instead(429, retry_after="0")]
LOST: List[Fault] = [
    faults.ResetBefore(delivered=False),
    faults.ResetBefore(delivered=True),
    faults.ResetDuring(),
    faults.CutBody(),
    faults.Garbage(),
    *[faults.Instead(status, delivered=delivered) for status in (502, 503, 504) for delivered in (True, False)],
    faults.Instead(503, retry_after="0"),
    faults.broken(delivered=True),
    faults.broken(delivered=False),
]
# The status says that all is well, and the body makes no sense.
NONSENSE: List[Fault] = [
    faults.html(delivered=True),
    faults.html(delivered=False),
    faults.no_content_with_body(delivered=True),
    faults.no_content_with_body(delivered=False),
]
# Fewer results than there are items.
SHORT: Fault = faults.Instead(200, b"[]", "application/json", delivered=True, name="200 without results")


def named(fault: Fault) -> str:
    return f"{fault.kind}{'' if getattr(fault, 'delivered', False) else ', undelivered'}"


@pytest.fixture
def name() -> str:
    return f"faults-{uuid.uuid4().hex[:8]}"


async def stored(proxy: FaultProxy, name: str) -> List[str]:
    """The ids of all messages that the broker has of a queue."""
    proxy.plan = Clear()
    async with Queen(proxy.url, dialect="0.15") as queen:
        popped = await queen.queue(name).group(uuid.uuid4().hex).batch(100).pop()
    return [message.transaction_id for message in popped]


async def left_of(proxy: FaultProxy, name: str) -> Tuple[List[Message], int]:
    """What is still to be consumed in queue mode, and how many dead letters there are."""
    proxy.plan = Clear()
    async with Queen(proxy.url, dialect="0.15") as queen:
        return await queen.queue(name).pop(), (await queen.queue(name).dlq().get())["total"]


async def push_under(proxy: FaultProxy, name: str, script: Dict[int, Fault]) -> Optional[QueenError]:
    proxy.plan = Scripted(script, "/push")
    async with Queen(proxy.url, dialect="0.15", **OPTIONS) as queen:
        try:
            [result] = await queen.queue(name).push([{"data": 1, "transactionId": "t"}])
        except QueenError as error:
            return error
        assert result["status"] == "queued"
    return None


@pytest.mark.parametrize("fault", [*AFTERWARDS, *NEVER_DELIVERED, *LOST], ids=named)
async def test_a_push_under_one_fault_is_stored_once_and_never_called_a_duplicate(
    proxy: FaultProxy, name: str, fault: Fault
) -> None:
    assert await push_under(proxy, name, {1: fault}) is None
    assert proxy.injected == {fault.kind: 1}
    assert await stored(proxy, name) == ["t"]


@pytest.mark.parametrize("fault", [*NEVER_DELIVERED, *LOST], ids=named)
async def test_a_push_that_fails_for_good_tells_whether_it_may_have_been_delivered(
    proxy: FaultProxy, name: str, fault: Fault
) -> None:
    error = await push_under(proxy, name, {0: fault})
    assert isinstance(error, (ConnectionFailedError, HttpStatusError))
    assert error.maybe_delivered == (fault in LOST)
    assert [item["transactionId"] for item in error.unsent] == ["t"]
    assert proxy.injected == {fault.kind: 2}
    assert set(await stored(proxy, name)) == ({"t"} if getattr(fault, "delivered", fault in LOST) else set())


@pytest.mark.parametrize("fault", [*NONSENSE, SHORT], ids=named)
async def test_a_push_whose_answer_makes_no_sense_may_have_been_delivered(
    proxy: FaultProxy, name: str, fault: faults.Instead
) -> None:
    error = await push_under(proxy, name, {0: fault})
    assert isinstance(error, ProtocolError)
    assert error.maybe_delivered
    assert [item["transactionId"] for item in error.unsent] == ["t"]
    assert await stored(proxy, name) == (["t"] if fault.delivered else [])


@pytest.mark.parametrize("fault", [*LOST, *NONSENSE, SHORT, faults.Stall()], ids=named)
async def test_a_buffer_sends_on_until_its_messages_are_stored_once_and_in_order(
    proxy: FaultProxy, name: str, fault: Fault
) -> None:
    accepted: List[object] = []
    duplicates: List[object] = []
    all_stored = asyncio.Event()

    def note(items: Sequence[Mapping[str, object]]) -> None:
        accepted.extend(item["transactionId"] for item in items)
        if len(accepted) == 5:
            all_stored.set()

    proxy.plan = Scripted({1: fault, 2: fault, 3: fault}, "/push")
    async with Queen(proxy.url, dialect="0.15", timeout_millis=400, **OPTIONS) as queen:
        queue = queen.queue(name).buffer({"message_count": 2, "time_millis": 1})
        for number in range(5):
            pushing = queue.push([{"data": number, "transactionId": f"t{number}"}])
            await pushing.on_success(note).on_duplicate(lambda items, _: duplicates.extend(items))
        await asyncio.wait_for(all_stored.wait(), 20)
    assert accepted == [f"t{number}" for number in range(5)]
    assert duplicates == []
    assert await stored(proxy, name) == [f"t{number}" for number in range(5)]


# A 204 is how servers say that nothing is to be had while their pops are switched off.
@pytest.mark.parametrize("fault", [fault for fault in [*LOST, *NONSENSE] if "204" not in fault.kind], ids=named)
async def test_a_pop_under_a_fault_raises_and_is_never_an_empty_answer(
    proxy: FaultProxy, name: str, fault: Fault
) -> None:
    assert await push_under(proxy, name, {}) is None
    proxy.plan = Scripted({0: fault}, "/pop")
    async with Queen(proxy.url, dialect="0.15", **OPTIONS) as queen:
        with pytest.raises(QueenError) as raised:
            await queen.queue(name).pop()
    assert raised.value.maybe_delivered
    # A pop leases messages: it is not repeated when it may have been delivered.
    assert proxy.injected == {fault.kind: 1}


@pytest.mark.parametrize("fault", [*AFTERWARDS, *NEVER_DELIVERED, *LOST], ids=named)
async def test_an_ack_under_one_fault_takes_effect_and_never_becomes_a_nack(
    proxy: FaultProxy, name: str, fault: Fault
) -> None:
    assert await push_under(proxy, name, {}) is None
    proxy.plan = Scripted({1: fault}, "/ack")
    async with Queen(proxy.url, dialect="0.15", **OPTIONS) as queen:
        [message] = await queen.queue(name).pop()
        result = await message.ack()
        assert result["success"]
        # The lease ended with the ack that was delivered; its repeat was refused.
        assert result.get("uncertain", False) == (fault in LOST and getattr(fault, "delivered", True))
    assert proxy.injected == {fault.kind: 1}
    assert await left_of(proxy, name) == ([], 0)


@pytest.mark.parametrize("fault", [*AFTERWARDS, *NEVER_DELIVERED, *LOST, *NONSENSE], ids=named)
async def test_a_transaction_under_one_fault_happens_once(proxy: FaultProxy, name: str, fault: Fault) -> None:
    assert await push_under(proxy, name, {}) is None
    proxy.plan = Scripted({1: fault}, "/transaction")
    async with Queen(proxy.url, dialect="0.15", **OPTIONS) as queen:
        [message] = await queen.queue(name).pop()
        response = await queen.transaction().ack(message).queue(f"{name}-next").push([{"data": 2}]).commit()
    assert response["success"]
    assert proxy.injected == {fault.kind: 1}
    assert await left_of(proxy, name) == ([], 0)
    assert len(await stored(proxy, f"{name}-next")) == 1


@pytest.mark.parametrize("fault", [*LOST, *NONSENSE], ids=named)
async def test_a_transaction_that_never_gets_an_answer_has_an_unknown_outcome(
    proxy: FaultProxy, name: str, fault: Fault
) -> None:
    proxy.plan = Scripted({0: fault}, "/transaction")
    async with Queen(proxy.url, dialect="0.15", **OPTIONS) as queen:
        with pytest.raises(OutcomeUnknownError) as raised:
            await queen.transaction().queue(name).push([{"data": 2}]).commit()
    assert raised.value.maybe_delivered


@pytest.mark.parametrize("fault", [*LOST, *NONSENSE], ids=named)
async def test_a_consumer_goes_on_after_a_fault(
    proxy: FaultProxy, name: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queen.consuming.consumer._BACKOFF", RetryPolicy(attempts=0, delay=0.01))
    handled: List[object] = []
    # The first poll finds nothing, so that no lease is lost with its answer.
    proxy.plan = Scripted({1: fault}, "/pop")
    over = asyncio.Event()
    proxy.see = lambda _: over.set()
    async with Queen(proxy.url, dialect="0.15", **OPTIONS) as queen:
        builder = queen.queue(name).timeout_millis(20).limit(3)
        consuming = asyncio.ensure_future(_run(builder.consume(lambda message: handled.append(message.data))))
        await over.wait()
        await queen.queue(name).push([{"data": number} for number in range(3)])
        await asyncio.wait_for(consuming, 20)
    assert handled == [0, 1, 2]
    assert proxy.injected == {fault.kind: 1}


async def test_a_push_to_a_server_that_refuses_connections_was_not_delivered(proxy: FaultProxy, name: str) -> None:
    async with Queen(proxy.url, dialect="0.15", **OPTIONS) as queen:
        proxy.refuse()
        with pytest.raises(ConnectionFailedError) as raised:
            await queen.queue(name).push([{"data": 1, "transactionId": "t"}])
        assert not raised.value.maybe_delivered
        proxy.accept()
        [result] = await queen.queue(name).push(raised.value.unsent)
    assert result["status"] == "queued"


async def test_a_stalled_push_ends_at_its_deadline_and_tells_that_it_may_have_been_delivered(
    proxy: FaultProxy, name: str
) -> None:
    proxy.plan = Scripted({0: faults.Stall()}, "/push")
    async with Queen(proxy.url, dialect="0.15", timeout_millis=100, **OPTIONS) as queen:
        with pytest.raises(QueenTimeoutError) as raised:
            await queen.queue(name).push([{"data": 1, "transactionId": "t"}])
    assert raised.value.maybe_delivered
    assert await stored(proxy, name) == ["t"]


async def test_after_close_no_connection_is_open_whatever_happened_before(proxy: FaultProxy, name: str) -> None:
    every = [*LOST, *NONSENSE, *AFTERWARDS, faults.Refuse(0.01)]
    proxy.plan = Scripted(dict(enumerate(every, 1)), "/push")
    async with Queen(proxy.url, dialect="0.15", retry_attempts=0) as queen:
        pushes = [asyncio.ensure_future(_push(queen, name)) for _ in range(2 * len(every))]
        await asyncio.wait(pushes)
        for push in pushes:
            assert push.exception() is None or isinstance(push.exception(), QueenError)
    assert await proxy.all_closed()
    assert sum(proxy.injected.values()) == len(every)


async def _run(operation: Awaitable[None]) -> None:
    await operation


async def _push(queen: Queen, name: str) -> None:
    await queen.queue(name).push([{"data": 1}])
