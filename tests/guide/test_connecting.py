"""Getting Started, Load Balancing & Affinity Routing, Graceful Shutdown, Logging, Type Hints, Network Errors."""

from __future__ import annotations

import hashlib
import logging
from typing import Dict, Iterator, List, Tuple

import pytest

from queen import ClientClosedError, Queen
from tests.guide.bindings import runs
from tests.guide.harness import Guide, data
from tests.scripted_server import ScriptedServer

THREE = ("http://server1:6632", "http://server2:6632", "http://server3:6632")


@runs(s1="Import and Connect")
async def test_a_client_of_one_server_of_several_and_of_all_options(guide: Guide) -> None:
    pushed: List[str] = []

    async def use(client: Queen) -> None:
        pushed.append((await client.queue("tasks").push([{"data": 1}]))[0]["status"])

    guide.on_enter = use
    await guide.run(1)
    assert len(guide.clients) == 4
    assert pushed == ["queued"]
    assert data(await guide.stored("tasks")) == [1]
    await check_closed(guide.clients[-1])


@runs(s2="Load Balancing & Affinity Routing")
async def test_affinity_keeps_a_group_to_one_server_until_it_fails(guide: Guide) -> None:
    servers = [await guide.serve(url) for url in THREE]
    queen: Queen = (await guide.run(2))["queen"]
    await guide.queen.queue("tasks").create()
    # The ports differ from run to run, and with them how evenly the ring divides the groups.
    groups = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(100)]
    before = await servers_of(queen, groups, servers)
    assert await servers_of(queen, groups, servers) == before
    assert len(set(before.values())) > 1

    failing = before[groups[0]]
    await servers[failing].__aexit__(None, None, None)
    after = await guide.hurry(servers_of(queen, groups, servers))
    moved = [group for group in groups if after[group] != before[group]]
    assert moved == [group for group in groups if before[group] == failing]


@runs(s3="Round-Robin Mode")
async def test_round_robin_takes_the_servers_in_turn(guide: Guide) -> None:
    assert await served(guide, 3) == [0, 1, 0, 1, 0, 1]


@runs(s4="Session Mode")
async def test_a_session_keeps_to_one_server(guide: Guide) -> None:
    assert await served(guide, 4) in ([0] * 6, [1] * 6)


@runs(s58="Graceful Shutdown")
async def test_leaving_the_block_flushes_buffers_and_closes(guide: Guide) -> None:
    async def fill(client: Queen) -> None:
        await client.queue("events").buffer({"message_count": 100}).push([{"data": "last"}])

    guide.on_enter = fill
    await guide.run(58)
    await check_closed(guide.clients[-1])
    assert data(await guide.stored("events")) == ["last"]


@runs(s59="Manual Shutdown")
async def test_a_client_can_be_closed_by_hand(guide: Guide) -> None:
    async with guide.stepping(59) as program:
        await program.next()
        await program.names["queen"].queue("events").push([{"data": 1}])
        await program.finish()
    await check_closed(program.names["queen"])
    assert data(await guide.stored("events")) == [1]


@runs(s72="Type Hints")
async def test_a_typed_handler_gets_a_message(guide: Guide) -> None:
    await guide.queen.queue("orders").push([{"data": {"item": "teapot"}}])
    async with guide.running(72) as program:
        await program.until(lambda: guide.printed)
        assert guide.printed == ["{'item': 'teapot'}"]
    assert await guide.unsettled("orders") == []


@runs(s73="Network Errors")
async def test_a_failing_server_is_tried_again_and_then_the_next_one(guide: Guide) -> None:
    doors: List[ScriptedServer] = []
    # Which of them fails is settled by the first request: the one that it goes to.
    first, second = THREE[:2]
    doors.append(await guide.serve(first, broken=lambda: not doors[1].received))
    doors.append(await guide.serve(second, broken=lambda: not doors[0].received))
    queen: Queen = (await guide.run(73))["queen"]
    [result] = await guide.hurry(queen.queue("tasks").push([{"data": 1}]))
    assert result["status"] == "queued"
    assert sorted(len(door.received) for door in doors) == [1, 4]
    assert data(await guide.stored("tasks")) == [1]


@pytest.fixture
def logger(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Set first, so that what the snippet does to the environment is undone.
    monkeypatch.setenv("QUEEN_CLIENT_LOG", "false")
    ours = logging.getLogger("queen")
    handlers, level = list(ours.handlers), ours.level
    yield
    ours.handlers[:] = handlers
    ours.setLevel(level)


@runs(s83="Connection Issues")
async def test_logging_prints_what_the_client_does(guide: Guide, logger: None) -> None:
    await guide.run(83)
    async with Queen(guide.url) as queen:
        await queen.queue("tasks").push([{"data": n} for n in range(5)])
    lines = guide.printed
    assert all(line.startswith("[20") and "Z] [" in line for line in lines)
    assert any(line.endswith('[INFO] [Queen.constructor] {"status":"initialized","urls":1}') for line in lines)
    assert any(
        line.endswith('[INFO] [QueueBuilder.push] {"queue":"tasks","partition":"Default","count":5}') for line in lines
    )
    assert any("[INFO] [HttpClient.request] " in line and "/api/v1/push" in line for line in lines)


async def check_closed(client: Queen) -> None:
    with pytest.raises(ClientClosedError):
        await client.queue("tasks").push([{"data": 1}])


async def served(guide: Guide, number: int) -> List[int]:
    """Which of the two servers of a snippet each of six pushes goes to."""
    servers = [await guide.serve(url) for url in THREE[:2]]
    queen: Queen = (await guide.run(number))["queen"]
    order: List[int] = []
    for _ in range(6):
        before = counts(servers)
        await queen.queue("tasks").push([{"data": 1}])
        order.append([now - then for then, now in zip(before, counts(servers))].index(1))
    return order


async def servers_of(queen: Queen, groups: List[str], servers: List[ScriptedServer]) -> Dict[str, int]:
    """Which server answers the pops of each group."""
    found: Dict[str, int] = {}
    for group in groups:
        before = counts(servers)
        await queen.queue("tasks").group(group).pop()
        found[group] = [now - then for then, now in zip(before, counts(servers))].index(1)
    return found


def counts(servers: List[ScriptedServer]) -> Tuple[int, ...]:
    return tuple(len(server.received) for server in servers)
