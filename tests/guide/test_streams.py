"""Streaming (Windowed Processing)."""

from __future__ import annotations

import ast
import asyncio
from typing import Any, Dict, List, Sequence

from tests.guide.bindings import runs
from tests.guide.harness import Guide
from tests.guide.program import alongside, settle, until

SOURCES = ("events", "actions", "clicks")


@runs(s61="Define a Stream")
async def test_windows_are_cut_by_partition_and_close_after_the_grace_period(guide: Guide) -> None:
    # A server leaves out sources that are not there yet.
    for queue in SOURCES:
        await guide.queen.queue(queue).create()
    await guide.run(61)
    windows: List[List[Any]] = []
    async with alongside(guide.queen.consumer("user-events", "some-group").process(keeps(windows))):
        guide.time.move_to("2025-01-01T10:00:10")
        await push(guide, {"events": "user-1", "actions": "user-1", "clicks": "user-2"}, "first")
        guide.time.move_to("2025-01-01T10:01:29")
        await push(guide, dict.fromkeys(SOURCES, "user-1"), "too early")
        await settle()
        assert windows == []

        guide.time.move_to("2025-01-01T10:01:30")
        await push(guide, dict.fromkeys(SOURCES, "user-1"), "closing")
        await guide.hurry(until(lambda: len(windows) == 2))
    assert sorted(windows, key=len) == [["first in clicks"], ["first in events", "first in actions"]]


async def test_a_window_is_leased_for_a_minute(guide: Guide) -> None:
    for queue in SOURCES:
        await guide.queen.queue(queue).create()
    await guide.run(61)
    guide.time.move_to("2025-01-01T10:00:10")
    await push(guide, {"events": "user-1"}, "first")
    guide.time.move_to("2025-01-01T10:01:30")
    await push(guide, {"events": "user-1"}, "closing")

    taken, windows = asyncio.Event(), []  # type: ignore[var-annotated]

    async def die(_: Any) -> None:
        taken.set()
        await asyncio.get_running_loop().create_future()

    async with alongside(guide.queen.consumer("user-events", "some-group").process(die)):
        await guide.hurry(taken.wait())
    async with alongside(guide.queen.consumer("user-events", "some-group").process(keeps(windows))):
        guide.time.advance(50)
        await settle()
        assert windows == []
        guide.time.advance(10)
        await guide.hurry(until(lambda: windows))
    assert windows == [["first in events"]]


@runs(s62="Consume Windows")
async def test_a_window_is_filtered_grouped_and_aggregated(guide: Guide) -> None:
    await window_is_closed(
        guide,
        [
            {"value": 50, "userId": "a", "amount": 1, "duration": 1, "price": 1},
            {"value": 150, "userId": "a", "amount": 10.5, "duration": 2, "price": 3},
            {"value": 250, "userId": "b", "amount": 20, "duration": 4, "price": 5},
            {"value": 350, "userId": "a", "amount": 30, "duration": 6, "price": 7},
        ],
    )
    async with guide.running(62) as program:
        await guide.hurry(program.until(lambda: len(guide.printed) == 3))
    assert guide.printed[:2] == ["Window has 4 messages", "Found 2 users"]
    assert ast.literal_eval(guide.printed[2][len("Stats: ") :]) == {
        "count": 3,
        "sum": {"data.amount": 60.5},
        "avg": {"data.duration": 4},
        "min": {"data.price": 3},
        "max": {"data.price": 7},
    }
    # The group is done with that window, others are not.
    for group, count in (("my-group", 0), ("another-group", 1)):
        windows: List[List[Any]] = []
        async with alongside(guide.queen.consumer("user-events", group).process(keeps(windows))):
            guide.time.advance(60)
            await settle()
        assert [len(window) for window in windows] == [4] * count


@runs(s63="Window Methods")
async def test_a_window_can_be_reset_and_measured(guide: Guide) -> None:
    names = ("status", "userId", "amount", "quantity", "price", "timestamp")
    rows = [
        ("active", "a", 1.5, 1, 10, 100.0),
        ("closed", "a", 9, 9, 99, 1.0),
        ("active", "b", 2, 2, 20, 300.0),
        ("active", "a", 3, 3, 60, 200.0),
    ]
    await window_is_closed(guide, [dict(zip(names, row)) for row in rows])
    kept: List[Any] = []
    async with alongside(guide.queen.consumer("user-events", "my-group").process(kept.append)):
        await guide.hurry(until(lambda: kept))
    found = await guide.run(63, window=kept[0])
    assert guide.printed == ["User a: 2 messages", "User b: 1 messages"]
    assert {user: [message["data"]["amount"] for message in group] for user, group in found["groups"].items()} == {
        "a": [1.5, 3],
        "b": [2],
    }
    assert found["stats"] == {
        "count": 3,
        "sum": {"data.amount": 6.5, "data.quantity": 6},
        "avg": {"data.price": 30},
        "min": {"data.timestamp": 100},
        "max": {"data.timestamp": 300},
    }
    assert (found["original"], found["current"]) == (4, 4)


async def window_is_closed(guide: Guide, payloads: Sequence[Dict[str, Any]]) -> None:
    """A stream of which one window, with these messages, is over."""
    await guide.queen.queue("events").create()
    await guide.queen.stream("user-events", "analytics").sources(["events"]).tumbling_time(60).grace_period(30).define()
    guide.time.move_to("2025-01-01T10:00:10")
    for payload in payloads:
        await guide.queen.queue("events").push([{"data": payload}])
        guide.time.advance(1)
    guide.time.move_to("2025-01-01T10:01:30")
    await guide.queen.queue("events").push([{"data": {"closes": "the window"}}])


async def push(guide: Guide, partitions: Dict[str, str], word: str) -> None:
    for queue, partition in partitions.items():
        await guide.queen.queue(queue).partition(partition).push([{"data": f"{word} in {queue}"}])


def keeps(windows: List[List[Any]]) -> Any:
    """A window handler that keeps the data of the messages."""

    async def process(window: Any) -> None:
        found: List[Any] = [message["data"] for group in window.group_by("id").values() for message in group]
        windows.append(found)

    return process
