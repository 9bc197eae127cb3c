"""A message is deleted once its dead letters are pushed, unless somebody needs it."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from queen import Queen
from tests.scripted_server import Received, Scripted, ScriptedServer, answers
from tests.unit.client.redrive.letters import GROUP, bury, counts, data, fail, letters, pop, reasons
from tests.unit.client.redrive.watched import watched


async def test_a_message_that_others_read_stays_for_them(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": {"n": 1}}])
    await fail(queen, queue_name)
    # The other group has the message in hand, and has not settled it.
    [held] = await pop(queen, queue_name, "other")
    for already in (0, 1, 1):
        report = await queen.queue(queue_name).dlq(GROUP).redrive()
        assert (report["pushed"], report["already"], report["kept"], report["removed"]) == (1 - already, already, 1, 0)
        assert "other consumer groups" in reasons(report)[0]
    assert (await held.ack())["success"]
    assert await data(queen, queue_name) == [{"n": 1}], "one copy"
    assert counts(await queen.queue(queue_name).dlq(GROUP).redrive(remove=True)) == {
        "found": 1, "already": 1, "removed": 1,
    }  # fmt: skip
    assert await letters(queen, queue_name) == []


async def test_queue_mode_is_another_group_too(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": {"n": 1}}])
    await fail(queen, queue_name)
    assert await data(queen, queue_name, None) == [{"n": 1}]
    assert counts(await queen.queue(queue_name).dlq(GROUP).redrive()) == {"found": 1, "pushed": 1, "kept": 1}


async def test_a_group_that_was_deleted_does_not_hide_another(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).push([{"data": {"n": 1}}])
    await fail(queen, queue_name)
    [held] = await pop(queen, queue_name, "other")
    await queen.delete_consumer_group(GROUP)
    assert counts(await queen.queue(queue_name).dlq(GROUP).redrive()) == {"found": 1, "pushed": 1, "kept": 1}
    assert (await held.ack())["success"]


async def test_a_message_that_all_its_groups_gave_up_on_is_removed_after_all_are_redriven(
    queen: Queen, queue_name: str
) -> None:
    await queen.queue(queue_name).push([{"data": {"n": 1}}])
    await fail(queen, queue_name, "one")
    await fail(queen, queue_name, "two")
    first = await queen.queue(queue_name).dlq().redrive(limit=1, remove=True)
    assert counts(first) == {"found": 2, "pushed": 1, "kept": 1}
    second = await queen.queue(queue_name).dlq().redrive(limit=1)
    assert counts(second) == {"found": 2, "pushed": 1, "already": 1, "removed": 2}
    assert len(await data(queen, queue_name, "one")) == 2
    assert await letters(queen, queue_name) == []


async def test_a_transaction_id_that_no_path_can_hold_is_pushed_and_kept(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, transactionId="order 1/é")
    await bury(queen, queue_name, {"n": 2})
    report = await queen.queue(queue_name).dlq(GROUP).redrive()
    assert counts(report) == {"found": 2, "pushed": 2, "removed": 1, "kept": 1}
    [reason] = report["reasons"]
    assert (reason["transactionId"], reason["outcome"]) == ("order 1/é", "kept")
    assert "cannot be addressed by a path" in reason["reason"]
    again = await queen.queue(queue_name).dlq(GROUP).redrive(remove=True)
    assert counts(again) == {"found": 1, "already": 1, "kept": 1}
    assert await data(queen, queue_name) == [{"n": 1}, {"n": 2}]


async def test_a_message_that_was_deleted_meanwhile_is_a_reason(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, {"n": 2})
    [_, oldest] = (await queen.queue(queue_name).dlq().get())["messages"]

    async def delete_first(method: str, target: str) -> None:
        if target.startswith("/api/v1/dlq"):
            await queen.admin.delete_message(oldest["partitionId"], oldest["transactionId"])

    with watched(queen, after=delete_first):
        report = await queen.queue(queue_name).dlq().redrive()
    assert counts(report) == {"found": 2, "pushed": 1, "removed": 1, "failed": 1}
    assert "Message not found" in reasons(report)[0]


LETTER = {
    "id": "0190a4d2-3b7c-7f00-8000-000000000002", "transactionId": "t", "partitionId": "p", "queue": "q",
    "partition": "Default", "consumerGroup": "g", "errorMessage": "why", "retryCount": 0, "data": {"n": 1},
    "producerSub": None, "createdAt": "2026-01-31T10:20:30.123Z", "failedAt": "2026-01-31T10:21:30.123Z",
}  # fmt: skip
DETAIL = {"payload": {"n": 1}, "traceId": None, "mode": {}, "consumerGroups": [{"name": "g"}]}


def server_015(letter: Dict[str, Any], push: Scripted, delete: Scripted) -> ScriptedServer:
    def script(received: Received) -> Scripted:
        if received.target.startswith("/api/v1/dlq"):
            return answers({"messages": [letter], "pagination": {"limit": 100, "offset": 0}})
        if received.target == "/health":
            return answers({"server": "C++ Queen Server (libqueen)"})
        if received.method == "POST":
            return push
        return delete if received.method == "DELETE" else answers(DETAIL)

    return ScriptedServer(script)


DELETED = answers({"success": True})
PUSHED = answers([{"status": "queued", "transaction_id": "x", "message_id": "m"}])


async def test_a_push_that_the_server_only_buffered_keeps_the_original() -> None:
    async with server_015(LETTER, answers([{"status": "buffered", "queue": "q"}]), DELETED) as server:
        async with Queen(server.url) as queen:
            report = await queen.queue("q").dlq().redrive(remove=True)
    assert counts(report) == {"found": 1, "pushed": 1, "kept": 1}
    assert "not stored it yet" in reasons(report)[0]
    assert "DELETE" not in [received.method for received in server.received]


@pytest.mark.parametrize(
    "refusal",
    [answers({"success": False, "error": "ERROR:  busy"}), answers({"error": "ERROR:  busy"}, 500)],
    ids=["200", "500"],
)
async def test_a_removal_that_is_refused_is_a_reason(refusal: Scripted) -> None:
    async with server_015(LETTER, PUSHED, refusal) as server, Queen(server.url) as queen:
        report = await queen.queue("q").dlq().redrive()
    assert counts(report) == {"found": 1, "pushed": 1, "kept": 1}
    assert "ERROR:  busy" in reasons(report)[0]


async def test_a_removal_that_somebody_did_before_is_one() -> None:
    gone = answers({"success": False, "message": "Message not found", "partitionId": "p", "transactionId": "t"})
    async with server_015(LETTER, PUSHED, gone) as server, Queen(server.url) as queen:
        report = await queen.queue("q").dlq().redrive()
    assert counts(report) == {"found": 1, "pushed": 1, "removed": 1}


async def test_an_encrypted_payload_that_no_path_shows_plain_is_not_pushed_encrypted() -> None:
    letter = {**LETTER, "transactionId": "a b", "data": {"encrypted": "e", "iv": "i", "authTag": "a"}}
    async with server_015(letter, PUSHED, DELETED) as server, Queen(server.url) as queen:
        report = await queen.queue("q").dlq().redrive()
    assert counts(report) == {"found": 1, "failed": 1}
    assert "/api/v1/push" not in [received.target for received in server.received]
