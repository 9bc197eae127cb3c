"""Consumer groups: deleted, and told to read from a time on."""

from __future__ import annotations

import itertools
from datetime import datetime, timezone
from typing import Any, AsyncIterator, List

import pytest

from queen import Queen
from queen.broker import Broker, ManualClock, open_broker

# 2026-01-31 10:20:00 UTC.
START = 1_769_854_800_000_000
_numbers = itertools.count(1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=["embedded", "0.15", "0.7"])
async def broker(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Broker]:
    opened = open_broker(f"memory://groups-{next(_numbers)}", clock=clock, dialect=request.param)
    yield opened
    await opened.close()


@pytest.fixture
async def queen(broker: Broker) -> AsyncIterator[Queen]:
    async with Queen(f"memory://groups-{next(_numbers) - 1}") as client:
        yield client


async def push(queen: Queen, clock: ManualClock, *names: str) -> None:
    """Push a message each minute."""
    for name in names:
        for queue in ("a", "b"):
            await queen.queue(queue).push([{"data": name}])
        clock.advance(60)


async def pop(queen: Queen, queue: str = "a") -> List[Any]:
    popped = await queen.queue(queue).group("g").batch(9).pop()
    await queen.ack(popped, True)
    return [message.data for message in popped]


async def test_a_group_is_reset_to_a_time_on_all_its_queues(queen: Queen, broker: Broker, clock: ManualClock) -> None:
    for queue in ("a", "b"):
        await queen.queue(queue).create()
    await push(queen, clock, "10:20", "10:21", "10:22")
    assert await pop(queen, "a") == await pop(queen, "b") == ["10:20", "10:21", "10:22"]
    result = await queen.update_consumer_group_timestamp("g", "2026-01-31T10:21:00Z")
    assert (result["success"], result["consumerGroup"], result["timestamp"]) == (True, "g", "2026-01-31T10:21:00Z")
    if broker.dialect == "0.7":
        assert (result["cursorsMoved"], await pop(queen)) == (0, []), "that server moves no cursor"
        return
    assert result["cursorsMoved"] == 2
    assert await pop(queen, "a") == await pop(queen, "b") == ["10:21", "10:22"]


async def test_a_group_that_subscribed_starts_at_its_new_time_where_it_has_not_read(
    queen: Queen, clock: ManualClock
) -> None:
    await queen.queue("a").create()
    await queen.queue("b").create()
    assert await queen.queue("a").group("g").subscription_from("2026-01-31T10:25:00Z").pop() == []
    await push(queen, clock, "10:20", "10:21", "10:22")
    await queen.delete_consumer_group("g", delete_metadata=False)
    await queen.queue("a").group("g").subscription_from("2026-01-31T10:25:00Z").pop()
    await queen.delete_consumer_group("g", delete_metadata=False)
    await queen.update_consumer_group_timestamp("g", datetime(2026, 1, 31, 10, 22, tzinfo=timezone.utc))
    assert await pop(queen) == ["10:22"]


async def test_a_time_that_is_none_is_refused_before_anything_is_sent(queen: Queen) -> None:
    with pytest.raises(ValueError, match="is no time"):
        await queen.update_consumer_group_timestamp("g", "soon")
    with pytest.raises(ValueError, match="no time zone"):
        await queen.update_consumer_group_timestamp("g", datetime(2026, 1, 31))


async def test_a_group_that_no_path_can_hold_is_named_as_it_was_given(queen: Queen) -> None:
    with pytest.raises(ValueError, match=r"^group='a/b'"):
        await queen.delete_consumer_group("a/b")


async def test_a_deleted_group_reads_everything_again(queen: Queen, clock: ManualClock) -> None:
    await queen.queue("a").create()
    await queen.queue("b").create()
    await push(queen, clock, "one", "two")
    assert await pop(queen) == ["one", "two"]
    assert (await queen.delete_consumer_group("g"))["success"]
    assert await pop(queen) == ["one", "two"]
