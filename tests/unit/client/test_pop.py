"""Popping through the fluent layer, and the messages that come."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from queen_api.api import system

from queen import Message, Queen, ServerRefusedError
from tests.scripted_server import ScriptedServer, answers


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": "no_available_partition", "messages": []},
        {"success": False, "error": "partition_not_found", "messages": []},
        {"success": False, "error": "lease_held", "messages": []},
        None,
    ],
)
async def test_every_shape_of_an_empty_answer_is_an_empty_list(body: Any) -> None:
    async with ScriptedServer(lambda _: answers(body)) as server, Queen(server.url) as queen:
        assert await queen.queue("q").pop() == []


async def test_a_failed_pop_is_never_an_empty_list() -> None:
    refused = {"success": False, "error": "ERROR:  LIMIT must not be negative\n"}
    async with ScriptedServer(lambda _: answers(refused)) as server, Queen(server.url) as queen:
        with pytest.raises(ServerRefusedError) as raised:
            await queen.queue("q").pop()
    assert raised.value.words == "ERROR:  LIMIT must not be negative"


async def test_a_message_is_the_wire_dict_with_typed_properties(queen: Queen, queue_name: str) -> None:
    before = datetime.now(timezone.utc)
    await queen.queue(queue_name).partition("p-1").push([{"data": {"x": [1]}, "transactionId": "t-1"}])
    [message] = await queen.queue(queue_name).group("g").pop()
    assert message["data"] == message.data == {"x": [1]}
    assert message["transactionId"] == message.transaction_id == "t-1"
    assert (message.queue, message.partition, message.consumer_group) == (queue_name, "p-1", "g")
    assert (message.id, message.partition_id, message.lease_id) == (
        message["id"],
        message["partitionId"],
        message["leaseId"],
    )
    assert message.trace_id is None
    assert message.created_at.tzinfo is not None
    assert abs(message.created_at - before) < timedelta(minutes=5)


async def test_a_message_stays_json_and_can_be_copied(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": {"x": 1}}])
    [message] = await queen.queue(queue_name).pop()
    rebuilt = json.loads(json.dumps(message))
    assert rebuilt == message
    assert "trace" not in rebuilt
    assert pickle.loads(pickle.dumps(message)) == message
    assert copy.copy(message) == message
    assert copy.copy(message).ledger is message.ledger
    assert callable(message["trace"])
    with pytest.raises(KeyError):
        message["no such key"]
    assert (await queen.ack(rebuilt, True))["success"]


async def test_a_pop_waits_for_a_push(queen: Queen, queue_name: str) -> None:
    waiting = asyncio.ensure_future(queen.queue(queue_name).wait().timeout_millis(20_000).pop())
    await queen.queue("unrelated-" + queue_name).create()
    await queen.queue("unrelated-" + queue_name).push([{"data": 0}])
    await queen.queue(queue_name).push([{"data": "at last"}])
    assert [message.data for message in await asyncio.wait_for(waiting, 10)] == ["at last"]


async def test_a_pop_that_waits_in_vain_is_empty(queen: Queen, queue_name: str) -> None:
    assert await queen.queue(queue_name).wait().timeout_millis(50).pop() == []


async def test_an_auto_acked_message_needs_no_ack(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}])
    [message] = await queen.queue(queue_name).auto_ack().pop()
    assert message.lease_id is None
    assert (await message.ack())["success"]
    assert await queen.queue(queue_name).pop() == []


async def test_an_auto_acked_message_of_a_long_poll_needs_no_ack_either(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}, {"data": 2}])
    popped = await queen.queue(queue_name).auto_ack().wait().batch(2).pop()
    assert [(message.data, message.lease_id) for message in popped] == [(1, None), (2, None)]
    assert (await popped[0].ack())["success"]
    assert await queen.queue(queue_name).pop() == []


@pytest.mark.dialects("embedded", "0.15")
async def test_several_partitions_come_in_one_pop(queen: Queen, queue_name: str) -> None:
    for name in ("a", "b", "c"):
        await queen.queue(queue_name).partition(name).push([{"data": name}])
    popped = await queen.queue(queue_name).batch(10).partitions(3).pop()
    assert sorted(message.data for message in popped) == ["a", "b", "c"]
    assert all(result["success"] for result in await queen.ack(popped, True))
    assert await queen.queue(queue_name).pop() == []


async def test_groups_read_the_same_messages(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}])
    for group in ("one", "two"):
        [message] = await queen.queue(queue_name).group(group).pop()
        assert message.data == 1
        assert (await message.ack())["success"]
        assert await queen.queue(queue_name).group(group).pop() == []


async def next_millisecond(queen: Queen, dialect: str) -> None:
    """Until the time that a server 0.15 tells, and by which groups start, has moved on."""
    before = (await queen.send(system.get_overview()))["timestamp"]
    while dialect != "0.7" and (await queen.send(system.get_overview()))["timestamp"] == before:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_a_new_subscription_starts_behind_what_is_there(
    queen: Queen, queue_name: str, server_dialect: str
) -> None:
    await queen.queue(queue_name).push([{"data": "old"}])
    await next_millisecond(queen, server_dialect)
    fresh = queen.queue(queue_name).group("fresh").subscription_mode("new")
    assert await fresh.pop() == []
    await queen.queue(queue_name).push([{"data": "new"}])
    assert [message.data for message in await fresh.pop()] == ["new"]


@pytest.mark.parametrize("said", ["mode", "from"])
async def test_a_new_subscription_misses_nothing_that_comes_after_its_first_pop(
    queen: Queen, queue_name: str, said: str
) -> None:
    # A server 0.15 by itself passes over the first message of an empty queue.
    group = queen.queue(queue_name).group("g")
    fresh = group.subscription_mode("new") if said == "mode" else group.subscription_from("now")
    assert await fresh.pop() == []
    await queen.queue(queue_name).partition("a").push([{"data": 1}])
    await queen.queue(queue_name).partition("b").push([{"data": 2}])
    found = [*await fresh.batch(9).pop(), *await fresh.batch(9).pop()]
    assert sorted(message.data for message in found) == [1, 2]


async def test_a_deleted_group_that_starts_anew_reads_only_what_comes_then(
    queen: Queen, queue_name: str, server_dialect: str
) -> None:
    fresh = queen.queue(queue_name).group("g").subscription_mode("new")
    assert await fresh.pop() == []
    await queen.queue(queue_name).push([{"data": "old"}])
    await queen.delete_consumer_group("g")
    await next_millisecond(queen, server_dialect)
    assert await fresh.pop() == []
    await queen.queue(queue_name).push([{"data": "new"}])
    assert [message.data for message in await fresh.pop()] == ["new"]


async def test_a_subscription_may_start_at_a_datetime(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": 1}])
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    replay = queen.queue(queue_name).group("replay").subscription_from(yesterday)
    assert [message.data for message in await replay.pop()] == [1]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda queue: queue.batch(0), "batch=0 is out of range"),
        (lambda queue: queue.batch("3"), "batch='3' is a str"),
        (lambda queue: queue.batch(True), "batch=True is a bool"),
        (lambda queue: queue.group(""), "group is empty"),
        (lambda queue: queue.subscription_mode("nwe"), "did you mean 'new'"),
        (lambda queue: queue.subscription_from(datetime(2025, 1, 1)), "no time zone"),
        (lambda queue: queue.subscription_from("gestern"), "subscription_from='gestern' is no time"),
        (lambda queue: queue.dlq().from_("soon"), "from_='soon' is no time"),
        (lambda queue: queue.wait("yes"), "wait='yes'"),
        (lambda queue: queue.timeout_millis(-1), "timeout_millis=-1"),
    ],
)
def test_a_wrong_option_names_the_argument_and_what_is_accepted(build: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        build(Queen("http://127.0.0.1:1").queue("q"))
    assert words in str(raised.value)


@pytest.mark.parametrize("name", ["null", "a b", "a/b", ".."])
async def test_a_partition_that_no_path_can_name_is_refused_by_a_pop_and_not_by_a_push(
    queen: Queen, queue_name: str, name: str
) -> None:
    await queen.queue(queue_name).partition(name).push([{"data": 1}])
    with pytest.raises(ValueError, match="partition"):
        await queen.queue(queue_name).partition(name).pop()
    [message] = await queen.queue(queue_name).pop()
    assert message.partition == name


def test_a_builder_can_be_kept_and_used_many_times() -> None:
    queue = Queen("http://127.0.0.1:1").queue("q")
    assert queue.partition("a") is not queue.partition("b")
    first, second = queue.batch(5), queue.batch(7)
    assert first is not second


def test_a_message_is_a_plain_dict_to_everybody_else() -> None:
    message: Message = Message({"data": 1, "transactionId": "t", "partitionId": "p"})
    assert message == {"data": 1, "transactionId": "t", "partitionId": "p"}
    assert dict(message) == message


def test_a_subscription_without_a_group_is_refused() -> None:
    queue = Queen("http://127.0.0.1:1").queue("q").subscription_mode("new")
    with pytest.raises(ValueError, match="say group"):
        queue.consume(lambda message: None)
