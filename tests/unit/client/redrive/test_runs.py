"""Which dead letters a run takes, and what the runs after it know of it."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from queen import ConnectionFailedError, Queen, ServerRefusedError
from queen.transport.engine import AnswerLostError
from tests.scripted_server import ScriptedServer, answers
from tests.unit.client.redrive.letters import GROUP, NOTHING, bury, counts, data, fail, letters, pop, reasons
from tests.unit.client.redrive.watched import watched


async def lose_deletions(method: str, target: str) -> None:
    if method == "DELETE":
        raise AnswerLostError("the connection broke")


async def test_a_crash_between_push_and_removal_duplicates_nothing(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, {"n": 2})
    with watched(queen, before=lose_deletions):
        with pytest.raises(ConnectionFailedError):
            await queen.queue(queue_name).dlq(GROUP).redrive()
    assert len(await letters(queen, queue_name)) == 2
    report = await queen.queue(queue_name).dlq(GROUP).redrive()
    assert counts(report) == {"found": 2, "pushed": 1, "already": 1, "removed": 2}
    assert await data(queen, queue_name) == [{"n": 1}, {"n": 2}]


async def test_a_copy_that_was_handled_before_the_next_run_is_not_pushed_again(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1})
    with watched(queen, before=lose_deletions):
        with pytest.raises(ConnectionFailedError):
            await queen.queue(queue_name).dlq(GROUP).redrive()
    assert await data(queen, queue_name) == [{"n": 1}]
    assert counts(await queen.queue(queue_name).dlq(GROUP).redrive()) == {"found": 1, "already": 1, "removed": 1}
    assert await data(queen, queue_name) == []


async def test_a_dry_run_tells_what_would_be_done_and_changes_nothing(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, {"n": 2})
    told = await queen.queue(queue_name).dlq(GROUP).redrive(dry_run=True)
    assert told == {**NOTHING, "found": 2, "pushed": 2, "removed": 2}
    assert len(await letters(queen, queue_name)) == 2
    assert await data(queen, queue_name) == []
    assert await queen.queue(queue_name).dlq(GROUP).redrive() == told


async def test_a_dry_run_knows_what_is_there_already(queen: Queen, queue_name: str, other_queue: str) -> None:
    await queen.queue(other_queue).create()
    await bury(queen, queue_name, {"n": 1}, {"n": 2})
    await pop(queen, queue_name, "other")
    for to_queue in (None, other_queue):
        query = queen.queue(queue_name).dlq(GROUP)
        await query.redrive(to_queue=to_queue, limit=1)
        told = await query.redrive(to_queue=to_queue, dry_run=True)
        assert counts(told) == {"found": 2, "pushed": 1, "already": 1, "kept": 2}
    assert await data(queen, other_queue) == [{"n": 1}]


async def test_the_limit_takes_the_oldest_and_runs_get_on(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, *({"n": n} for n in range(5)))
    # Kept ones must not fill the limit of the runs after.
    await pop(queen, queue_name, "other")
    reports = [await queen.queue(queue_name).dlq(GROUP).redrive(limit=2) for _ in range(4)]
    assert [report["pushed"] for report in reports] == [2, 2, 1, 0]
    assert [report["already"] for report in reports] == [0, 2, 4, 5]
    assert await data(queen, queue_name) == [{"n": n} for n in range(5)]


async def test_it_takes_what_the_query_would_give(queen: Queen, queue_name: str) -> None:
    for n in range(3):
        await bury(queen, queue_name, {"n": n})
    await bury(queen, queue_name, {"n": 9}, partition="other")
    assert (await queen.queue(queue_name).partition("nobody").dlq().redrive())["found"] == 0
    assert (await queen.queue(queue_name).dlq().to("2020-01-01").redrive())["found"] == 0
    assert (await queen.queue(queue_name).dlq("nobody").redrive())["found"] == 0
    await queen.queue(queue_name).partition("Default").dlq().offset(1).limit(1).redrive()
    assert await data(queen, queue_name) == [{"n": 1}]


async def test_more_than_a_page_is_found(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": {"n": n}} for n in range(120)])
    for message in await queen.queue(queue_name).group(GROUP).batch(120).pop():
        await message.nack("broken", status="dlq")
    assert (await queen.queue(queue_name).dlq().redrive(dry_run=True))["found"] == 120
    assert (await queen.queue(queue_name).dlq().offset(1).redrive(dry_run=True))["found"] == 119


async def test_what_fails_again_waits_for_the_next_run_and_is_pushed_once_more(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1})
    for _ in range(3):
        [before] = (await queen.queue(queue_name).dlq(GROUP).get())["messages"]
        report = await queen.queue(queue_name).dlq(GROUP).redrive()
        assert counts(report) == {"found": 1, "pushed": 1, "removed": 1}
        await fail(queen, queue_name)
        [after] = (await queen.queue(queue_name).dlq(GROUP).get())["messages"]
        assert after["transactionId"] == f"redrive:{before['id']}:{GROUP}"


async def test_what_fails_again_beside_its_original_is_pushed_once_more_alone(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1})
    await pop(queen, queue_name, "other")
    pushed = []
    for _ in range(3):
        pushed.append((await queen.queue(queue_name).dlq(GROUP).redrive())["pushed"])
        await fail(queen, queue_name)
    assert pushed == [1, 1, 1], "the copy of the last run alone"
    # Originals and copies go together, so none is forgotten before what came of it.
    report = await queen.queue(queue_name).dlq(GROUP).redrive(remove=True)
    assert counts(report) == {"found": 4, "pushed": 1, "already": 3, "removed": 4}
    assert await data(queen, queue_name) == [{"n": 1}]


async def test_what_fails_again_is_pushed_once_more_alone_though_its_original_cannot_be_removed(
    queen: Queen, queue_name: str
) -> None:
    await bury(queen, queue_name, {"n": 1}, transactionId="order 1/é")
    pushed = []
    for _ in range(4):
        pushed.append((await queen.queue(queue_name).dlq(GROUP).redrive(remove=True))["pushed"])
        await fail(queen, queue_name)
    assert pushed == [1, 1, 1, 1], "the copy of the last run alone"
    report = await queen.queue(queue_name).dlq(GROUP).redrive(dry_run=True)
    assert counts(report) == {"found": 5, "pushed": 1, "already": 4, "kept": 5}


async def test_what_fails_again_in_another_queue_does_not_let_its_original_be_pushed_again(
    queen: Queen, queue_name: str, other_queue: str
) -> None:
    await queen.queue(other_queue).create()
    await bury(queen, queue_name, {"n": 1})
    await pop(queen, queue_name, "other")
    query = queen.queue(queue_name).dlq(GROUP)
    assert counts(await query.redrive(to_queue=other_queue)) == {"found": 1, "pushed": 1, "kept": 1}
    await fail(queen, other_queue)
    report = await queen.queue(other_queue).dlq(GROUP).redrive()
    assert counts(report) == {"found": 1, "pushed": 1, "kept": 1}
    assert "still a dead letter" in reasons(report)[0]
    assert counts(await query.redrive(to_queue=other_queue, remove=True)) == {"found": 1, "already": 1, "removed": 1}
    assert counts(await queen.queue(other_queue).dlq(GROUP).redrive()) == {"found": 1, "already": 1, "removed": 1}
    assert await data(queen, other_queue) == [{"n": 1}]


async def test_a_message_that_becomes_a_dead_letter_during_the_run_is_left_alone(
    queen: Queen, queue_name: str, server_url: str
) -> None:
    await bury(queen, queue_name, {"n": 1}, {"n": 2})
    async with Queen(server_url) as consumer:

        async def fail_at_once(method: str, target: str) -> None:
            if target == "/api/v1/push":
                await fail(consumer, queue_name)

        with watched(queen, after=fail_at_once):
            report = await queen.queue(queue_name).dlq(GROUP).redrive()
    assert counts(report) == {"found": 2, "pushed": 2, "removed": 2}
    assert len(await letters(queen, queue_name)) == 2


@pytest.mark.dialects("embedded", "0.15")
async def test_several_failures_of_one_message_in_one_group_are_one(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1})
    await queen.admin.seek_consumer_group(GROUP, queue_name, timestamp="2020-01-01T00:00:00Z")
    await fail(queen, queue_name)
    assert len(await letters(queen, queue_name)) == 2
    assert counts(await queen.queue(queue_name).dlq().redrive()) == {"found": 1, "pushed": 1, "removed": 1}
    assert await data(queen, queue_name) == [{"n": 1}]


async def test_a_listing_that_fails_is_an_error() -> None:
    async with ScriptedServer(lambda _: answers({"error": "ERROR: no"})) as server, Queen(server.url) as queen:
        with pytest.raises(ServerRefusedError):
            await queen.queue("q").dlq().redrive()


@pytest.mark.parametrize(
    "arguments",
    [{"limit": 0}, {"limit": True}, {"to_queue": "a/b"}, {"to_queue": ""}, {"dry_run": 1}, {"remove": "yes"}],
)
async def test_wrong_arguments_name_what_is_accepted(arguments: Dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match="accepted"):
        await Queen("http://127.0.0.1:1").queue("q").dlq().redrive(**arguments)
