"""What a test sees of the broker, and what it is told when it expected something else."""

from __future__ import annotations

import asyncio
import threading
from unittest.mock import ANY

import attrs
import pytest

from queen import Queen
from queen.testing import DeadLetteredMessage, QueenBroker


@pytest.fixture(params=["embedded", "0.15", "0.7"])
def queen_broker(request: pytest.FixtureRequest):
    with QueenBroker(dialect=request.param) as broker:
        yield broker


@pytest.fixture
async def orders(client: Queen) -> str:
    await client.queue("orders").config({"retryLimit": 1}).create()
    await client.queue("orders").partition("alice").push([{"data": {"id": 1}, "transactionId": "first"}])
    await client.queue("orders").partition("bob").push([{"data": {"id": 2}}, {"data": None}])
    return "orders"


async def test_what_was_pushed(orders: str, queen_broker: QueenBroker) -> None:
    first, second, third = queen_broker.pushed(orders)
    assert (first.queue, first.partition, first.data, first.transaction_id) == ("orders", "alice", {"id": 1}, "first")
    assert (second.partition, second.data, third.data) == ("bob", {"id": 2}, None)
    assert first.pushed_at <= second.pushed_at
    assert queen_broker.pushed("others") == []
    assert queen_broker.pushed() == [first, second, third]

    assert queen_broker.assert_pushed(orders) == [first, second, third]
    assert queen_broker.assert_pushed(orders, count=3) == [first, second, third]
    assert queen_broker.assert_pushed(orders, {"id": 2}, partition="bob", count=1) == [second]
    assert queen_broker.assert_pushed(orders, None) == [third]
    assert queen_broker.assert_pushed(orders, {"id": ANY}) == [first, second]
    assert queen_broker.assert_pushed(orders, lambda data: bool(data) and data["id"] > 1) == [second]
    assert queen_broker.assert_pushed(orders, transaction_id="first") == [first]
    assert queen_broker.assert_pushed(orders, {"id": 3}, count=0) == []
    queen_broker.assert_nothing_pushed("others")


@attrs.frozen
class Order:
    id: int


async def test_an_instance_of_a_model_is_the_json_that_it_is_pushed_as(
    client: Queen, orders: str, queen_broker: QueenBroker
) -> None:
    await client.queue(orders, model=Order).push([Order(3)])
    [pushed] = queen_broker.assert_pushed(orders, Order(3), count=1)
    assert pushed.data == {"id": 3}
    queen_broker.assert_pushed(orders, Order(2), partition="bob", count=1)


async def test_a_payload_is_described_by_dirty_equals(orders: str, queen_broker: QueenBroker) -> None:
    dirty_equals = pytest.importorskip("dirty_equals")
    described = queen_broker.assert_pushed(orders, dirty_equals.IsDict(id=dirty_equals.IsPositiveInt))
    assert [message.data for message in described] == [{"id": 1}, {"id": 2}]
    assert len(queen_broker.assert_pushed(orders, dirty_equals.IsAnyStr | dirty_equals.IsPartialDict)) == 2


async def test_what_was_acknowledged(client: Queen, orders: str, queen_broker: QueenBroker) -> None:
    bobs = client.queue(orders).group("billing").partition("bob")
    second, third = await bobs.batch(2).pop()
    assert queen_broker.acked(orders) == []
    await second.ack()
    assert [message.data for message in queen_broker.acked(orders)] == [{"id": 2}]
    await third.ack()
    assert queen_broker.assert_acked(orders, {"id": 2}, group="billing", partition="bob", count=1)
    assert queen_broker.assert_acked(orders, group="billing", count=2) == queen_broker.assert_acked(orders)
    assert queen_broker.assert_acked(orders, transaction_id=third.transaction_id)
    assert queen_broker.acked(orders, group="mail") == []


async def test_what_a_transaction_acknowledged_and_pushed(
    client: Queen, orders: str, queen_broker: QueenBroker
) -> None:
    await client.queue("invoices").create()
    [order] = await client.queue(orders).partition("alice").pop()
    await client.transaction().ack(order).queue("invoices").push([{"data": "invoice"}]).commit()
    queen_broker.assert_acked(orders, {"id": 1}, count=1)
    queen_broker.assert_pushed("invoices", "invoice", count=1)


async def test_what_was_given_up_on_is_not_acknowledged(client: Queen, orders: str, queen_broker: QueenBroker) -> None:
    for _ in range(2):
        [message] = await client.queue(orders).group("billing").partition("alice").pop()
        await message.nack("no such customer")
    [letter] = queen_broker.dead_letters(orders, "billing")
    assert isinstance(letter, DeadLetteredMessage)
    assert (letter.data, letter.group, letter.reason) == ({"id": 1}, "billing", "no such customer")
    # Server 0.7 counts none.
    assert letter.retries == (0 if queen_broker.dialect == "0.7" else 1)
    assert letter.failed_at >= letter.pushed_at
    assert queen_broker.assert_dead_lettered(orders, {"id": 1}, group="billing", count=1) == [letter]
    assert queen_broker.dead_letters() == [letter]
    assert queen_broker.dead_letters(orders, "mail") == queen_broker.dead_letters("others") == []
    assert queen_broker.acked(orders, "billing") == []


async def test_what_a_group_that_starts_now_passed_over_is_not_acknowledged(
    client: Queen, orders: str, queen_broker: QueenBroker
) -> None:
    late = client.queue(orders).group("late").subscription_mode("new").partition("bob")
    queen_broker.advance(1)
    await late.pop()
    queen_broker.advance(1)
    await client.queue(orders).partition("bob").push([{"data": "new"}])
    [message] = await late.batch(10).pop()
    await message.ack()
    assert [acked.data for acked in queen_broker.acked(orders, "late")] == ["new"]


async def words_of(broker: QueenBroker, *arguments: object, **named: object) -> str:
    with pytest.raises(AssertionError) as raised:
        broker.assert_pushed(*arguments, **named)  # type: ignore[arg-type]
    # The frames of the plugin are hidden: what a user sees ends at the call.
    assert raised.traceback.filter(raised)[-1].name == "words_of"
    return str(raised.value)


async def test_a_payload_that_is_not_there_is_compared_with_the_closest(
    client: Queen, orders: str, queen_broker: QueenBroker
) -> None:
    await client.queue(orders).push([{"data": {"item": "teapot", "price": 24.5}, "transactionId": "t"}])
    words = await words_of(queen_broker, orders, {"item": "teapot", "price": 25.5})
    assert words.splitlines()[0] == "no message with data={'item': 'teapot', 'price': 25.5} was pushed to 'orders'"
    assert "pushed to 'orders' were 4 messages:\n  alice: {'id': 1} (first)" in words
    assert "  - {'item': 'teapot', 'price': 25.5}\n" in words
    assert "  + {'item': 'teapot', 'price': 24.5}\n" in words


async def test_other_words_for_other_reasons(client: Queen, orders: str, queen_broker: QueenBroker) -> None:
    assert "there is no queue 'order'; did you mean 'orders'?" in await words_of(queen_broker, "order")
    words = await words_of(queen_broker, orders, {"id": 1}, count=2)
    assert words.startswith("2 messages with data={'id': 1} should have been pushed to 'orders', and 1 was\n")
    assert "closest" not in words
    words = await words_of(queen_broker, orders, {"id": 1}, partition="bob")
    assert words.startswith("no message with data={'id': 1}, partition='bob' was pushed to 'orders'")

    def is_large(data: object) -> bool:
        return False

    assert (await words_of(queen_broker, orders, is_large)).startswith("no message with data=is_large was pushed")
    await client.queue(orders).push([{"data": "x" * 1000} for _ in range(30)])
    words = await words_of(queen_broker, orders, "y", count=1)
    assert "\n  ... 13 before these\n" in words
    assert len(words) < 10_000
    with pytest.raises(AssertionError, match=r"there are 33 messages\nto 'orders':\n  ... 13 before these"):
        queen_broker.assert_nothing_pushed()


async def test_an_ack_that_is_missing_tells_what_is_left(client: Queen, orders: str, queen_broker: QueenBroker) -> None:
    [message] = await client.queue(orders).group("billing").partition("alice").pop()
    await message.ack()
    with pytest.raises(AssertionError) as raised:
        queen_broker.assert_acked(orders, {"id": 2}, group="billing")
    words = str(raised.value)
    assert words.startswith("no message with data={'id': 2} was acknowledged in 'orders' by 'billing'\n")
    assert "was 1 message:\n  alice: {'id': 1} (first)" in words
    assert "the other messages of 'orders':\n  bob: {'id': 2}" in words
    with pytest.raises(
        AssertionError, match=r"no consumer of the group 'biling' has read 'orders'; did you mean 'billing'\?"
    ):
        queen_broker.assert_acked(orders, group="biling")
    with pytest.raises(AssertionError, match="no message was dead in 'orders'; nothing was"):
        queen_broker.assert_dead_lettered(orders)


async def test_waiting_ends_with_what_is_waited_for(client: Queen, queen_broker: QueenBroker) -> None:
    await client.queue("orders").create()

    async def later() -> None:
        for number in range(3):
            await asyncio.sleep(0.001)
            await client.queue("orders").push([{"data": number}])

    pushing = asyncio.ensure_future(later())
    found = await queen_broker.until(lambda: queen_broker.assert_pushed("orders", count=3))
    assert [message.data for message in found] == [0, 1, 2]
    assert await queen_broker.until(lambda: len(queen_broker.pushed()) == 3) is True
    await pushing


async def test_waiting_in_vain_tells_what_is_missing(client: Queen, queen_broker: QueenBroker) -> None:
    await client.queue("orders").create()
    await client.queue("orders").push([{"data": 1}])
    with pytest.raises(
        AssertionError, match=r"^not within 0.05 seconds: 2 messages should have been pushed to 'orders'"
    ):
        await queen_broker.until(lambda: queen_broker.assert_pushed("orders", count=2), timeout=0.05)
    with pytest.raises(AssertionError, match=r"not within 0 seconds: the check returned \[\]"):
        await queen_broker.until(lambda: queen_broker.dead_letters("orders"), timeout=0)
    with pytest.raises(AssertionError, match=r"not within 0.05 seconds: the check returned False"):
        queen_broker.wait_until(lambda: False, timeout=0.05)
    with pytest.raises(TypeError, match="check=1 is a int; accepted is a function without arguments"):
        await queen_broker.until(1)  # type: ignore[arg-type]


def test_a_thread_waits_for_another(queen_url: str, queen_broker: QueenBroker) -> None:
    async def program() -> None:
        async with Queen(queen_url) as mine:
            await mine.queue("orders").create()
            await mine.queue("orders").push([{"data": 1}])

    thread = threading.Thread(target=asyncio.run, args=[program()])
    thread.start()
    assert queen_broker.wait_until(lambda: queen_broker.assert_pushed("orders", 1, count=1))
    thread.join()
