"""Consuming the queues of a namespace or task: which ones, by priority, in turn, within one deadline."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Dict, List, Optional

import pytest

from queen import Message, Queen, ServerRefusedError
from tests.scripted_server import Answer, Received, ScriptedServer, answers


async def create(queen: Queen, name: str, namespace: str, *, task: str = "", priority: int = 0) -> None:
    builder = queen.queue(name).namespace(namespace).config({"priority": priority})
    await (builder.task(task) if task else builder).create()


async def test_all_queues_of_a_namespace_are_consumed_and_no_others(queen: Queen, queue_name: str) -> None:
    for name, namespace in (("a", queue_name), ("b", queue_name), ("c", f"{queue_name}-other")):
        await create(queen, f"{queue_name}-{name}", namespace)
        await queen.queue(f"{queue_name}-{name}").push([{"data": name}])
    seen: List[Message] = []
    await queen.queue().namespace(queue_name).idle_millis(50).consume(seen.append)
    assert sorted(message.data for message in seen) == ["a", "b"]
    assert {message.queue for message in seen} == {f"{queue_name}-a", f"{queue_name}-b"}
    assert await queen.queue().namespace(queue_name).pop() == []


async def test_a_task_selects_too_and_both_together_narrow(queen: Queen, queue_name: str) -> None:
    video, image = f"{queue_name}-video", f"{queue_name}-image"
    await create(queen, f"{queue_name}-1", queue_name, task=video)
    await create(queen, f"{queue_name}-2", queue_name, task=image)
    await create(queen, f"{queue_name}-3", f"{queue_name}-other", task=video)
    for number in (1, 2, 3):
        await queen.queue(f"{queue_name}-{number}").push([{"data": number}])
    [message] = await queen.queue().namespace(queue_name).task(video).group("g").pop()
    assert message.data == 1
    seen: List[Any] = []
    await queen.queue().task(video).idle_millis(50).consume(lambda message: seen.append(message["data"]))
    assert sorted(seen) == [1, 3]


async def test_the_queue_of_the_highest_priority_comes_first(queen: Queen, queue_name: str) -> None:
    for priority in (1, 10, 5):
        await create(queen, f"{queue_name}-{priority}", queue_name, priority=priority)
    for priority in (1, 5, 10):
        await queen.queue(f"{queue_name}-{priority}").push([{"data": (priority, n)} for n in range(3)])
    seen: List[int] = []
    await queen.queue().namespace(queue_name).idle_millis(50).consume(lambda message: seen.append(message["data"][0]))
    assert seen == [10, 10, 10, 5, 5, 5, 1, 1, 1]


async def test_queues_of_equal_priority_take_turns(queen: Queen, queue_name: str) -> None:
    for name in ("a", "b", "c"):
        await create(queen, f"{queue_name}-{name}", queue_name)
        await queen.queue(f"{queue_name}-{name}").push([{"data": name} for _ in range(4)])
    seen: List[str] = []
    await queen.queue().namespace(queue_name).idle_millis(50).consume(lambda message: seen.append(message["data"]))
    assert len(seen) == 12
    for turn in range(0, 12, 3):
        assert Counter(seen[turn : turn + 3]) == {"a": 1, "b": 1, "c": 1}


async def test_a_waiting_pop_gets_a_message_that_comes_later(queen: Queen, queue_name: str) -> None:
    await create(queen, f"{queue_name}-a", queue_name)
    popping = asyncio.ensure_future(queen.queue().namespace(queue_name).wait().timeout_millis(10_000).pop())
    await asyncio.sleep(0)
    await queen.queue(f"{queue_name}-a").push([{"data": "late"}])
    [message] = await asyncio.wait_for(popping, 5)
    assert message.data == "late"
    assert (await message.ack())["success"]


async def test_a_batch_is_acknowledged_under_its_own_queue(queen: Queen, queue_name: str) -> None:
    await create(queen, f"{queue_name}-a", queue_name)
    await queen.queue(f"{queue_name}-a").push([{"data": n} for n in range(3)])
    messages = await queen.queue().namespace(queue_name).group("g").batch(10).pop()
    assert [result["success"] for result in await queen.ack(messages, True)] == [True] * 3
    assert await queen.queue(f"{queue_name}-a").group("g").pop() == []


class Directory:
    """A server whose queues a test decides on, and that counts what it is asked."""

    def __init__(self, **priorities: int) -> None:
        self.priorities: Dict[str, int] = dict(priorities)
        self.asked: Counter[str] = Counter()
        self.broken = False
        self.status_error: Optional[str] = None

    def __call__(self, received: Received) -> Answer:
        path = received.target.partition("?")[0]
        self.asked[path] += 1
        if path == "/api/v1/resources/queues":
            names = ["a b", "", *self.priorities]
            return answers({"queues": [{"name": name, "namespace": "n", "task": ""} for name in names]})
        name = path.rsplit("/", 1)[1]
        if path.startswith("/api/v1/status/queues/"):
            if self.status_error is not None or name not in self.priorities:
                return answers({"error": self.status_error or "Queue not found"})
            return answers({"queue": {"priority": self.priorities[name]}, "partitions": [], "totals": {}})
        if self.broken:
            return answers({"success": False, "error": "the database is away", "messages": []})
        return answers({"success": False, "error": "no_available_partition", "messages": []})


async def test_the_deadline_is_one_over_all_queues() -> None:
    directory = Directory(a=0, b=0)
    async with ScriptedServer(directory) as server, Queen(server.url) as queen:
        popped = await asyncio.wait_for(queen.queue().namespace("n").wait().timeout_millis(120).pop(), 5)
    assert popped == []
    assert abs(directory.asked["/api/v1/pop/queue/a"] - directory.asked["/api/v1/pop/queue/b"]) <= 1
    assert 2 <= directory.asked["/api/v1/pop/queue/a"] <= 4


async def test_the_listing_is_kept_for_a_while_and_read_once_for_all_workers() -> None:
    directory = Directory(a=0, b=0)
    async with ScriptedServer(directory) as server, Queen(server.url) as queen:
        await queen.queue().namespace("n").concurrency(5).idle_millis(60).consume(lambda message: None)
    assert directory.asked["/api/v1/resources/queues"] == 1
    assert directory.asked["/api/v1/status/queues/a"] == 1


async def test_names_that_no_path_can_hold_are_passed_over() -> None:
    directory = Directory(a=0)
    async with ScriptedServer(directory) as server, Queen(server.url) as queen:
        await queen.queue().namespace("n").pop()
    assert sorted(directory.asked) == [
        "/api/v1/pop/queue/a", "/api/v1/resources/queues", "/api/v1/status/queues/a",
    ]  # fmt: skip


async def test_a_failure_is_raised_and_not_an_empty_list() -> None:
    directory = Directory(a=0)
    directory.broken = True
    async with ScriptedServer(directory) as server, Queen(server.url) as queen:
        with pytest.raises(ServerRefusedError, match="the database is away"):
            await queen.queue().namespace("n").pop()


async def test_a_priority_that_cannot_be_read_is_an_error_too() -> None:
    directory = Directory(a=0)
    directory.status_error = "ERROR: canceling statement due to statement timeout"
    async with ScriptedServer(directory) as server, Queen(server.url) as queen:
        with pytest.raises(ServerRefusedError, match="statement timeout"):
            await queen.queue().namespace("n").pop()
        directory.status_error = "Queue not found"
        assert await queen.queue().namespace("n").pop() == []


async def test_the_pops_of_a_namespace_go_to_the_server_of_its_affinity_key() -> None:
    directory = Directory(a=0)
    async with ScriptedServer(directory) as one, ScriptedServer(directory) as two:
        async with Queen([one.url, two.url]) as queen:
            for _ in range(4):
                await queen.queue().namespace("n").group("g").pop()
        pops = [[request for request in server.received if "/pop/" in request.target] for server in (one, two)]
    assert sorted(len(found) for found in pops) == [0, 4]


def test_without_queue_namespace_or_task_there_is_nothing_to_consume() -> None:
    queen = Queen("http://127.0.0.1:1")
    with pytest.raises(ValueError, match="needs a queue, a namespace or a task"):
        queen.queue().consume(lambda message: None)
    with pytest.raises(ValueError, match="cannot be of one partition"):
        queen.queue().namespace("n").partition("p").consume(lambda message: None)


async def test_the_deadline_holds_within_one_round_of_many_slow_queues() -> None:
    asked: List[str] = []
    directory = Directory(**{f"q{number}": 0 for number in range(50)})

    async def slow(received: Received) -> Answer:
        if "/pop/" in received.target:
            asked.append(received.target)
            await asyncio.sleep(0.02)
        return directory(received)

    async with ScriptedServer(slow) as server, Queen(server.url) as queen:
        assert await asyncio.wait_for(queen.queue().namespace("n").wait().timeout_millis(50).pop(), 5) == []
    assert 1 <= len(asked) < 50


async def test_each_group_has_turns_of_its_own(queen: Queen, queue_name: str) -> None:
    for name in ("a", "b"):
        await create(queen, f"{queue_name}-{name}", queue_name)
        await queen.queue(f"{queue_name}-{name}").push([{"data": name} for _ in range(4)])
    seen: Dict[str, List[str]] = {"one": [], "two": []}
    for _ in range(4):
        for group, found in seen.items():
            [message] = await queen.queue().namespace(queue_name).group(group).pop()
            await message.ack()
            found.append(message.data)
    assert Counter(seen["one"]) == Counter(seen["two"]) == {"a": 2, "b": 2}


async def test_one_queue_that_cannot_be_popped_does_not_starve_the_others() -> None:
    directory = Directory(a=0, b=0)
    place = {"partitionId": "p", "partition": "Default", "leaseId": "l"}
    message = {"id": "m", "transactionId": "t", **place, "data": 1, "createdAt": "2026-01-31T10:20:30Z"}

    def script(received: Received) -> Answer:
        if received.target.startswith("/api/v1/pop/queue/a"):
            return answers({"success": False, "error": "the database is away", "messages": []})
        if received.target.startswith("/api/v1/pop/queue/b"):
            return answers({"success": True, "messages": [message]})
        return directory(received)

    async with ScriptedServer(script) as server, Queen(server.url) as queen:
        assert [found.data for found in await queen.queue().namespace("n").pop()] == [1]


async def test_a_new_group_misses_nothing_of_any_queue_also_of_one_created_later(queen: Queen, queue_name: str) -> None:
    fresh = queen.queue().namespace(queue_name).group("g").subscription_mode("new")
    await create(queen, f"{queue_name}-1", queue_name)
    await create(queen, f"{queue_name}-2", queue_name)
    assert await fresh.pop() == []
    for number in (1, 2):
        await queen.queue(f"{queue_name}-{number}").push([{"data": number}])
    seen = []
    for _ in range(2):
        [message] = await fresh.pop()
        await message.ack()
        seen.append(message.data)
    assert sorted(seen) == [1, 2]
