"""Dead letters are deleted with their messages, unless somebody needs these."""

from __future__ import annotations

from queen import Queen
from tests.unit.client.redrive.letters import GROUP, bury, data, fail, letters, pop
from tests.unit.client.redrive.watched import watched


async def test_they_are_deleted_and_their_ids_are_free_again(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, transactionId="order-1")
    report = await queen.queue(queue_name).dlq(GROUP).purge()
    assert report == {"found": 1, "removed": 1, "kept": 0, "reasons": []}
    assert await letters(queen, queue_name) == []
    [result] = await queen.queue(queue_name).push([{"data": {"n": 2}, "transactionId": "order-1"}])
    assert result["status"] == "queued"


async def test_a_trial_changes_nothing(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, {"n": 2})
    report = await queen.queue(queue_name).dlq().purge(dry_run=True)
    assert report == {"found": 2, "removed": 2, "kept": 0, "reasons": []}
    assert len(await letters(queen, queue_name)) == 2


async def test_only_those_that_were_asked_for(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, partition="a")
    await bury(queen, queue_name, {"n": 2}, partition="b")
    assert (await queen.queue(queue_name).partition("b").dlq().purge())["removed"] == 1
    assert await letters(queen, queue_name) == [{"n": 1}]
    assert (await queen.queue(queue_name).dlq("another").purge())["found"] == 0
    assert (await queen.queue(queue_name).dlq().limit(1).purge())["removed"] == 1


async def test_a_message_that_others_read_stays_for_them(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": {"n": 1}}])
    await fail(queen, queue_name)
    [held] = await pop(queen, queue_name, "other")
    report = await queen.queue(queue_name).dlq(GROUP).purge()
    assert (report["found"], report["removed"], report["kept"]) == (1, 0, 1)
    [reason] = report["reasons"]
    assert (reason["outcome"], reason["reason"]) == ("kept", "other consumer groups read its partition")
    assert reason["transactionId"] == held.transaction_id
    assert (await held.ack())["success"]
    assert (await queen.queue(queue_name).dlq(GROUP).purge(remove=True))["removed"] == 1
    assert await letters(queen, queue_name) == []


async def test_a_message_that_all_its_groups_gave_up_on_is_deleted(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": {"n": 1}}])
    await fail(queen, queue_name, "one")
    await fail(queen, queue_name, "two")
    assert (await queen.queue(queue_name).dlq("one").purge())["kept"] == 1
    assert (await queen.queue(queue_name).dlq().purge())["removed"] == 2
    assert await letters(queen, queue_name) == []
    assert await data(queen, queue_name, "three") == []


async def test_an_id_that_no_path_can_hold_is_told(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, transactionId="a/b")
    report = await queen.queue(queue_name).dlq().purge(remove=True)
    assert (report["removed"], report["kept"]) == (0, 1)
    assert "cannot be addressed by a path" in report["reasons"][0]["reason"]
    assert len(await letters(queen, queue_name)) == 1


async def test_one_that_is_gone_meanwhile_ends_nothing(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, {"n": 2})
    gone = False

    async def delete_it(method: str, target: str) -> None:
        nonlocal gone
        if method == "GET" and "/messages/" in target and not gone:
            gone = True
            partition, identifier = target.split("/")[-2:]
            await queen.admin.delete_message(partition, identifier)

    with watched(queen, before=delete_it):
        report = await queen.queue(queue_name).dlq().purge()
    assert report["found"] == 2
    assert report["removed"] + report["kept"] == 2
    assert await letters(queen, queue_name) == []
