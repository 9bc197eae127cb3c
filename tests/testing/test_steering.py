"""What a test lets happen: time passes, leases end, requests fail."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Awaitable, Callable, Dict, List

import pytest

from queen import AuthenticationError, ConnectionFailedError, HttpStatusError, PermissionDeniedError, Queen
from queen.testing import QueenBroker


async def until_polling(broker: QueenBroker, queue: str) -> None:
    while broker.polled_queues != [queue]:  # noqa: ASYNC110  (a poll that begins to wait is no event)
        await asyncio.sleep(0)


async def test_a_message_comes_again_when_time_has_passed_its_lease(client: Queen, queen_broker: QueenBroker) -> None:
    await client.queue("orders").config({"leaseTime": 300}).create()
    await client.queue("orders").push([{"data": 1}])
    [first] = await client.queue("orders").pop()
    queen_broker.advance(299)
    assert await client.queue("orders").pop() == []
    queen_broker.advance(1)
    [again] = await client.queue("orders").pop()
    assert (again.data, (await first.ack())["success"], (await again.ack())["success"]) == (1, False, True)


async def test_a_waiting_poll_is_woken_by_what_becomes_due(client: Queen, queen_broker: QueenBroker) -> None:
    await client.queue("orders").config({"delayedProcessing": 20}).create()
    await client.queue("orders").push([{"data": 1}])
    popping = asyncio.ensure_future(client.queue("orders").wait(True).pop())
    await until_polling(queen_broker, "orders")
    queen_broker.advance(18)
    await asyncio.sleep(0.01)
    assert not popping.done()
    queen_broker.advance(2)
    assert [message.data for message in await asyncio.wait_for(popping, 5)] == [1]


async def test_a_waiting_poll_ends_at_its_time(client: Queen, queen_broker: QueenBroker) -> None:
    popping = asyncio.ensure_future(client.queue("orders").wait(True).timeout_millis(30_000).pop())
    await until_polling(queen_broker, "orders")
    queen_broker.advance(30)
    assert await asyncio.wait_for(popping, 5) == []
    assert queen_broker.polled_queues == []


def test_a_poll_in_another_thread_is_woken_too(queen_url: str, queen_broker: QueenBroker) -> None:
    found: List[Any] = []

    async def program() -> None:
        async with Queen(queen_url) as mine:
            await mine.queue("orders").config({"leaseTime": 20}).create()
            await mine.queue("orders").push([{"data": 1}])
            await mine.queue("orders").pop()
            found.extend(await mine.queue("orders").wait(True).pop())

    thread = threading.Thread(target=asyncio.run, args=[program()])
    thread.start()
    while not queen_broker.polled_queues:
        pass
    queen_broker.advance(21)
    thread.join(5)
    assert [message.data for message in found] == [1]


async def test_time_goes_on_by_itself(client: Queen, queen_broker: QueenBroker) -> None:
    queen_broker.advance(86_400)
    for number in range(2):
        await client.queue("orders").push([{"data": number}])
        await asyncio.sleep(0.002)
    first, second = queen_broker.pushed("orders")
    assert 0.002 <= (second.pushed_at - first.pushed_at).total_seconds() < 60


async def test_leases_end_where_they_are_meant_to(client: Queen, queen_broker: QueenBroker) -> None:
    for queue in ("orders", "returns"):
        await client.queue(queue).push([{"data": queue}])
        for group in ("billing", "mail"):
            await client.queue(queue).group(group).pop()
    assert queen_broker.expire_leases("orders", "billing") == 1
    assert [len(await client.queue(queue).group(group).pop()) for queue in ("orders", "returns")
            for group in ("billing", "mail")] == [1, 0, 0, 0]  # fmt: skip
    assert queen_broker.expire_leases(group="mail") == 2
    assert queen_broker.expire_leases("returns") == 1
    assert queen_broker.expire_leases() == 1
    assert queen_broker.expire_leases() == 0


async def test_a_waiting_poll_gets_what_lost_its_lease(client: Queen, queen_broker: QueenBroker) -> None:
    await client.queue("orders").push([{"data": 1}])
    await client.queue("orders").pop()
    popping = asyncio.ensure_future(client.queue("orders").wait(True).pop())
    await until_polling(queen_broker, "orders")
    queen_broker.expire_leases()
    assert [message.data for message in await asyncio.wait_for(popping, 5)] == [1]


FAULTS = ["fail_next", "lose_answers", "refuse_connections"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_push_goes_through_after_faults_once(client: Queen, queen_broker: QueenBroker, fault: str) -> None:
    getattr(queen_broker, fault)(2)
    assert [result["status"] for result in await client.queue("orders").push([{"data": 1}])] == ["queued"]
    queen_broker.assert_pushed("orders", 1, count=1)


async def test_an_answer_that_is_lost_is_of_a_request_that_took_effect(
    queen_url: str, queen_broker: QueenBroker
) -> None:
    async with Queen(queen_url, retry_attempts=0) as client:
        queen_broker.lose_answers()
        with pytest.raises(ConnectionFailedError) as raised:
            await client.queue("orders").push([{"data": "there"}])
        assert raised.value.maybe_delivered
        queen_broker.refuse_connections()
        with pytest.raises(ConnectionFailedError) as raised:
            await client.queue("orders").push([{"data": "not there"}])
        assert not raised.value.maybe_delivered
    assert [message.data for message in queen_broker.pushed("orders")] == ["there"]


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (403, PermissionDeniedError), (500, HttpStatusError)]
)
async def test_an_error_is_what_the_client_makes_of_its_status(
    queen_url: str, queen_broker: QueenBroker, status: int, error: type
) -> None:
    async with Queen(queen_url, retry_attempts=0) as client:
        queen_broker.fail_next(status=status)
        with pytest.raises(error) as raised:
            await client.queue("orders").push([{"data": 1}])
        assert raised.value.status == status
        queen_broker.assert_nothing_pushed()
        await client.queue("orders").push([{"data": 1}])


async def test_a_fault_waits_for_its_operation(queen_url: str, queen_broker: QueenBroker) -> None:
    async with Queen(queen_url, retry_attempts=0) as client:
        orders = client.queue("orders")
        await orders.push([{"data": number} for number in range(4)])
        first, second, third, _ = await orders.batch(4).pop()
        calls: Dict[str, Callable[[], Awaitable[object]]] = {
            "push": lambda: orders.push([{"data": 4}]),
            "pop": orders.pop,
            "ack": second.ack,
            "renew": third.renew,
            "commit": lambda: client.transaction().ack(second).queue("next").push([{"data": 1}]).commit(),
        }
        await first.ack()
        # Of all requests, none but the one that is meant fails, and that once. An ack is repeated once by itself.
        for operation in ("push", "pop", "ack", "renew", "commit"):
            queen_broker.refuse_connections(1 + (operation == "ack"), operation=operation)  # type: ignore[arg-type]
        failed = []
        for operation, call in calls.items():
            try:
                result = await call()
            except ConnectionFailedError:
                failed.append(operation)
            else:
                failed += [operation] if operation == "renew" and not result["success"] else []  # type: ignore[index]
        assert failed == ["push", "pop", "ack", "renew", "commit"]
        queen_broker.assert_pushed("orders", count=4)


async def test_a_health_check_of_the_client_uses_no_fault_up(client: Queen, queen_broker: QueenBroker) -> None:
    queen_broker.fail_next(status=401)
    await client.admin.health()
    with pytest.raises(AuthenticationError):
        await client.queue("orders").push([{"data": 1}])


async def test_faults_can_be_forgotten(client: Queen, queen_broker: QueenBroker) -> None:
    queen_broker.fail_next(5, status=401)
    queen_broker.clear_faults()
    await client.queue("orders").push([{"data": 1}])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda broker: broker.fail_next(0), "n=0 is out of range"),
        (lambda broker: broker.fail_next(status=200), "status=200 is out of range; accepted is an integer from 400"),
        (lambda broker: broker.lose_answers(operation="puhs"), "operation='puhs' is unknown.*did you mean 'push'"),
        (lambda broker: broker.advance(-1), "seconds=-1 is out of range"),
        (lambda broker: broker.assert_pushed("orders", count=-1), "count=-1 is out of range"),
    ],
)
def test_wrong_arguments_are_named(
    queen_broker: QueenBroker, wrong: Callable[[QueenBroker], object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        wrong(queen_broker)


async def test_clients_of_a_broker_that_has_ended_reach_nobody() -> None:
    with QueenBroker() as broker:
        client = Queen(broker.url, retry_attempts=0)
        await client.queue("orders").push([{"data": 1}])
        popping = asyncio.ensure_future(client.queue("none").wait(True).pop())
        await until_polling(broker, "none")
    assert await asyncio.wait_for(popping, 5) == []
    with pytest.raises(RuntimeError, match="the broker is closed, and its messages are gone: look into it before"):
        broker.assert_pushed("orders")
    with pytest.raises(ConnectionFailedError, match="the test is over, and its broker with it"):
        await client.queue("orders").push([{"data": 2}])
    await client.close()
