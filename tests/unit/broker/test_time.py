"""What time does: leases end, delays pass, windows close, long polls wait."""

from __future__ import annotations

import asyncio
from typing import Any, Dict

import pytest

from queen.broker import Broker, ManualClock, open_broker
from tests.unit.broker.conftest import Api, data


async def until_parked(broker: Broker, polls: int = 1) -> None:
    while broker.parked_polls < polls:  # noqa: ASYNC110  (the broker has no event for tests)
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_expired_lease_brings_messages_back_and_counts_nothing(api: Api, clock: ManualClock) -> None:
    await api.configure("q", leaseTime=30, retryLimit=0)
    await api.push("q", 1, 2)
    first = await api.pop("q")
    assert data(first) == [1, 2]
    clock.advance(29.9)
    assert data(await api.pop("q")) == []
    clock.advance(0.2)
    again = await api.pop("q")
    assert data(again) == [1, 2]
    refused = await api.ack(first["messages"][0])
    assert (refused["success"], refused["error"]) == (False, "Invalid or expired lease")
    assert (await api.ack(again["messages"][0]))["success"]


async def test_a_renewal_moves_the_end_and_never_shortens_it(api: Api, clock: ManualClock) -> None:
    await api.configure("q", leaseTime=30)
    await api.push("q", 1)
    lease = (await api.pop("q"))["leaseId"]
    for seconds in (100, 5):
        [renewed] = await api.call("POST", f"/api/v1/lease/{lease}/extend", {"seconds": seconds})
        assert renewed["success"]
    clock.advance(99)
    assert data(await api.pop("q")) == []
    clock.advance(2)
    [expired] = await api.call("POST", f"/api/v1/lease/{lease}/extend", {})
    assert (expired["success"], expired["error"]) == (False, "Lease already expired")
    assert data(await api.pop("q")) == [1]


async def test_delayed_messages_are_hidden_until_their_time(api: Api, clock: ManualClock) -> None:
    await api.configure("q", delayedProcessing=60)
    await api.push("q", "later")
    assert data(await api.pop("q")) == []
    clock.advance(60)
    assert data(await api.pop("q")) == ["later"]


async def test_a_window_buffer_opens_when_the_partition_is_quiet(api: Api, clock: ManualClock) -> None:
    await api.configure("q", windowBuffer=10)
    await api.push("q", 1)
    clock.advance(6)
    await api.push("q", 2)
    clock.advance(6)
    named = await api.pop("q", "Default")
    assert (named["success"], named.get("windowBufferActive"), named["messages"]) == (True, True, [])
    assert data(await api.pop("q")) == []
    clock.advance(4)
    assert data(await api.pop("q")) == [1, 2]


@pytest.mark.parametrize("partition", [None, "Default"])
async def test_a_push_wakes_a_long_poll_at_once(api: Api, broker: Broker, partition: Any) -> None:
    await api.configure("q")
    poll = asyncio.ensure_future(api.pop("q", partition, wait="true", timeout=30_000))
    await until_parked(broker)
    await api.push("q", "here")
    assert data(await asyncio.wait_for(poll, 5)) == ["here"]


async def test_a_long_poll_ends_at_its_deadline_and_not_before(api: Api, broker: Broker, clock: ManualClock) -> None:
    poll = asyncio.ensure_future(api.pop("nothing", wait="true", timeout=5_000))
    await until_parked(broker)
    clock.advance(4.999)
    await until_parked(broker)
    assert not poll.done()
    clock.advance(0.001)
    answer = await asyncio.wait_for(poll, 5)
    assert (answer["success"], answer["messages"], answer["leaseId"]) == (True, [], None)
    assert broker.parked_polls == 0


async def test_the_end_of_a_lease_wakes_a_long_poll(api: Api, broker: Broker, clock: ManualClock) -> None:
    await api.configure("q", leaseTime=10)
    await api.push("q", 1)
    await api.pop("q")
    poll = asyncio.ensure_future(api.pop("q", wait="true", timeout=60_000))
    await until_parked(broker)
    clock.advance(10)
    assert data(await asyncio.wait_for(poll, 5)) == [1]


async def test_the_end_of_a_delay_wakes_a_long_poll(api: Api, broker: Broker, clock: ManualClock) -> None:
    await api.configure("q", delayedProcessing=20)
    await api.push("q", 1)
    poll = asyncio.ensure_future(api.pop("q", wait="true", timeout=60_000))
    await until_parked(broker)
    clock.advance(20)
    assert data(await asyncio.wait_for(poll, 5)) == [1]


async def test_a_nack_wakes_a_long_poll(api: Api, broker: Broker) -> None:
    await api.push("q", 1)
    [message] = (await api.pop("q"))["messages"]
    poll = asyncio.ensure_future(api.pop("q", wait="true", timeout=60_000))
    await until_parked(broker)
    await api.ack(message, "failed")
    assert data(await asyncio.wait_for(poll, 5)) == [1]


async def test_a_poll_whose_client_is_gone_takes_no_messages(api: Api, broker: Broker) -> None:
    poll = asyncio.ensure_future(api.pop("q", wait="true", timeout=60_000))
    await until_parked(broker)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    assert broker.parked_polls == 0
    await api.push("q", 1)
    assert data(await api.pop("q")) == [1]


async def test_a_disconnect_drops_a_parked_poll(broker: Broker) -> None:
    gone = asyncio.Event()
    sent: Any = []

    async def receive() -> Dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/pop/queue/q", "raw_path": b"/api/v1/pop/queue/q",
        "query_string": b"wait=true&timeout=60000", "headers": [],
    }  # fmt: skip
    call = asyncio.ensure_future(broker.app(scope, receive, send))
    await until_parked(broker)
    gone.set()
    await asyncio.wait_for(call, 5)
    assert broker.parked_polls == 0
    api = Api(broker)
    await api.push("q", 1)
    assert data(await api.pop("q")) == [1]


async def test_closing_the_broker_ends_parked_polls(clock: ManualClock) -> None:
    broker = open_broker("memory://", clock=clock)
    poll = asyncio.ensure_future(Api(broker).pop("q", wait="true", timeout=60_000))
    await until_parked(broker)
    await broker.close()
    assert data(await asyncio.wait_for(poll, 5)) == []


class HastyClock(ManualClock):
    """A clock that moves on by a hundred seconds each time somebody looks at it, once it is told to."""

    hasty = False

    def now(self) -> int:
        if self.hasty:
            self.advance(100)
        return super().now()


@pytest.mark.parametrize("dialect", ["embedded", "0.7"])
async def test_a_lease_that_ends_while_a_poll_begins_to_wait_is_not_missed(dialect: str) -> None:
    clock = HastyClock()
    broker = open_broker("memory://", clock=clock, dialect=dialect)
    api = Api(broker)
    await api.configure("q", leaseTime=350)
    await api.push("q", 1)
    await api.pop("q")
    clock.hasty = True
    answer = await asyncio.wait_for(api.pop("q", wait="true", timeout=100_000_000), 5)
    assert data(answer) == [1]
    await broker.close()
