"""Dialect 0.7: what a pop gets, and long polls (the rules K1 to K5, P1 to P10 and L4 of that server)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from queen.broker import Broker, ManualClock
from tests.unit.broker.conftest import Api07, payloads
from tests.unit.broker.test_time import until_parked


async def test_the_partition_consumed_longest_ago_comes_first_then_the_newest(api07: Api07, clock: ManualClock) -> None:
    for name in ("a", "b", "c"):
        await api07.push("q", name, f"{name}2", partition=name)
        clock.advance(1)
    order = []
    for _ in range(6):
        [message] = await api07.pop07("q", batch=1)
        order.append(message["data"])
        await api07.ack07(message)
        clock.advance(1)
    # Never consumed: the newest message first. Consumed: the earliest ack first.
    assert order == ["c", "b", "a", "c2", "b2", "a2"]


async def test_a_pop_takes_messages_of_one_partition(api07: Api07) -> None:
    await api07.push("q", 0, partition="a")
    await api07.push("q", 1, partition="b")
    assert len(await api07.pop07("q", batch=9)) == 1
    assert len(await api07.pop07("q", batch=9)) == 1
    assert await api07.pop07("q", batch=9) == []


async def test_every_pop_clears_the_leases_that_have_run_out_everywhere(api07: Api07, clock: ManualClock) -> None:
    await api07.configure("q", leaseTime=10)
    await api07.configure("other", leaseTime=10)
    await api07.push("q", 0, 1)
    await api07.push("other", 0)
    late, _ = await api07.pop07("q")
    clock.advance(10.5)
    path = "/api/v1/consumer-groups/__QUEUE_MODE__"
    assert [entry["leaseActive"] for entry in (await api07.call("GET", path))["q"]["partitions"]] == [True]
    await api07.pop07("other")
    [entry] = (await api07.call("GET", path))["q"]["partitions"]
    assert (entry["leaseActive"], entry["workerId"]) == (False, None)
    # What was counted in it is forgotten, so that a late ack moves the cursor and counts against no batch.
    assert await api07.ack07(late, leaseId=None) == "completed"
    assert payloads(await api07.pop07("q")) == [1]


async def test_delayed_and_overdue_messages_are_hidden(api07: Api07, clock: ManualClock) -> None:
    await api07.configure("q", delayedProcessing=10, maxWaitTimeSeconds=60)
    await api07.push("q", 0)
    assert await api07.pop07("q") == []
    clock.advance(55)
    await api07.push("q", 1)
    assert payloads(await api07.pop07("q", consumerGroup="early")) == [0]
    clock.advance(10)
    assert payloads(await api07.pop07("q", consumerGroup="late")) == [1]


@pytest.mark.parametrize("partition", [None, "Default"])
async def test_a_window_buffer_closes_a_partition_while_it_has_a_young_message(
    api07: Api07, clock: ManualClock, partition: Any
) -> None:
    await api07.configure("q", windowBuffer=10)
    await api07.push("q", 0)
    clock.advance(10)
    [message] = await api07.pop07("q", partition)
    await api07.ack07(message)
    # A young message that was read keeps it closed too, for all groups.
    await api07.push("q", 1)
    clock.advance(5)
    assert await api07.pop07("q", partition, consumerGroup="g") == []
    assert await api07.call("GET", "/api/v1/pop", namespace="", consumerGroup="g") is None
    clock.advance(5)
    assert payloads(await api07.pop07("q", partition, consumerGroup="g")) == [0, 1]


@pytest.mark.parametrize("seconds", [0, -1])
async def test_without_a_lease_time_nothing_is_delivered(api07: Api07, seconds: int) -> None:
    await api07.configure("q", leaseTime=seconds)
    await api07.push("q", 0)
    assert await api07.pop07("q") == []
    assert await api07.pop07("q", "Default", autoAck="true") == []


@pytest.mark.parametrize("partition", [None, "Default"])
async def test_a_negative_batch_finds_nothing_and_leases(api07: Api07, clock: ManualClock, partition: Any) -> None:
    await api07.configure("q", leaseTime=10)
    await api07.push("q", 0)
    assert await api07.pop07("q", partition, batch=0) == []
    assert await api07.pop07("q", partition, batch=-1) == []
    assert await api07.pop07("q", partition) == []
    clock.advance(10)
    assert payloads(await api07.pop07("q", partition)) == [0]


async def test_auto_ack_settles_at_delivery_and_still_names_a_lease(api07: Api07) -> None:
    await api07.push("q", 0, 1)
    popped = await api07.pop07("q", autoAck="true")
    assert (payloads(popped), popped[0]["leaseId"] is None) == ([0, 1], False)
    assert await api07.ack07(popped[0]) == "Failed to acknowledge message: invalid_lease"
    await api07.push("q", 2)
    assert payloads(await api07.pop07("q")) == [2]


async def test_ten_partitions_of_a_namespace_are_tried(api07: Api07) -> None:
    for number in range(10):
        body = {"queue": f"n{number}", "namespace": "n", "options": {}}
        await api07.call("POST", "/api/v1/configure", body)
    await api07.call("POST", "/api/v1/configure", {"queue": "eleventh", "namespace": "n", "options": {}})
    await api07.push("n9", 9)
    await api07.push("eleventh", 11)
    found = await api07.call("GET", "/api/v1/pop", namespace="n")
    assert payloads(found["messages"]) == [9]
    assert await api07.call("GET", "/api/v1/pop", namespace="n") is None
    assert payloads(await api07.pop07("eleventh")) == [11]


async def test_names_in_paths_are_not_decoded(api07: Api07) -> None:
    for name in ("a%20b", "a b"):
        await api07.configure(name)
    await api07.push("a%20b", "raw")
    await api07.push("a b", "decoded")
    assert payloads(await api07.pop07("a%20b")) == ["raw"]


async def test_a_group_name_that_cannot_be_stored_finds_nothing(api07: Api07) -> None:
    await api07.push("q", 0)
    assert await api07.pop07("q", consumerGroup="g" * 256) == []


async def test_a_push_wakes_a_long_poll_which_does_not_acknowledge(
    api07: Api07, broker07: Broker, clock: ManualClock
) -> None:
    poll = asyncio.ensure_future(api07.pop07("q", wait="true", timeout=60_000, autoAck="true"))
    await until_parked(broker07)
    await api07.push("q", 0)
    [message] = await asyncio.wait_for(poll, 5)
    assert message["data"] == 0
    assert await api07.ack07(message) == "completed"


async def test_one_of_two_long_polls_gets_the_messages(api07: Api07, broker07: Broker) -> None:
    polls = [asyncio.ensure_future(api07.pop07("q", wait="true", timeout=60_000)) for _ in range(2)]
    await until_parked(broker07, 2)
    await api07.push("q", 0)
    await asyncio.wait(polls, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert [poll.done() for poll in polls].count(True) == 1
    [found] = [poll.result() for poll in polls if poll.done()]
    await api07.ack07(found[0], "failed")
    assert [payloads(messages) for messages in await asyncio.wait_for(asyncio.gather(*polls), 5)] == [[0], [0]]


async def test_a_long_poll_that_runs_out_has_no_body(api07: Api07, broker07: Broker, clock: ManualClock) -> None:
    path = "/api/v1/pop/queue/unknown"
    poll = asyncio.ensure_future(api07.request("GET", path, wait="true", timeout=500))
    await until_parked(broker07)
    clock.advance(0.5)
    response = await asyncio.wait_for(poll, 5)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "application/json"
    assert "access-control-max-age" not in response.headers
    empty = await api07.request("GET", path)
    assert (empty.content, empty.headers["access-control-max-age"]) == (b"null", "86400")


@pytest.mark.parametrize("timeout", [0, -5])
async def test_a_long_poll_without_time_is_empty_whatever_is_there(api07: Api07, timeout: int) -> None:
    await api07.push("q", 0)
    response = await api07.request("GET", "/api/v1/pop/queue/q", wait="true", timeout=timeout)
    assert response.content == b""
    # Nothing was leased to nobody.
    assert payloads(await api07.pop07("q")) == [0]


@pytest.mark.parametrize("option", ["delayedProcessing", "windowBuffer"])
async def test_time_wakes_a_long_poll(api07: Api07, broker07: Broker, clock: ManualClock, option: str) -> None:
    await api07.configure("q", **{option: 20})
    await api07.push("q", 0)
    polls = [
        asyncio.ensure_future(api07.pop07("q", wait="true", timeout=60_000)),
        asyncio.ensure_future(api07.call("GET", "/api/v1/pop", wait="true", timeout=60_000, consumerGroup="g")),
    ]
    await until_parked(broker07, 2)
    clock.advance(20)
    named, matching = await asyncio.wait_for(asyncio.gather(*polls), 5)
    assert (payloads(named), payloads(matching["messages"])) == ([0], [0])


async def test_a_poll_whose_client_is_gone_takes_no_messages(api07: Api07, broker07: Broker) -> None:
    poll = asyncio.ensure_future(api07.pop07("q", wait="true", timeout=60_000))
    await until_parked(broker07)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    await api07.push("q", 0)
    assert payloads(await api07.pop07("q")) == [0]
