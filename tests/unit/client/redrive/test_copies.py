"""Each dead letter is pushed again as it was, on every dialect of the embedded broker."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from queen import Queen
from tests.unit.client.redrive.letters import GROUP, NOTHING, bury, counts, data, letters, pop, reasons


@pytest.mark.parametrize("group", [GROUP, None], ids=["group", "queue mode"])
async def test_dead_letters_come_again_in_their_order_and_are_gone(
    queen: Queen, queue_name: str, group: Optional[str]
) -> None:
    await bury(queen, queue_name, {"n": 1}, {"n": 2}, {"n": 3}, group=group)
    report = await queen.queue(queue_name).dlq(group).redrive()
    assert report == {**NOTHING, "found": 3, "pushed": 3, "removed": 3}
    assert await letters(queen, queue_name) == []
    assert await data(queen, queue_name, group) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert await queen.queue(queue_name).dlq(group).redrive() == NOTHING


async def test_the_copy_has_the_partition_the_payload_and_the_trace_id(queen: Queen, queue_name: str) -> None:
    trace = "0190a4d2-3b7c-7f00-8000-000000000001"
    payload = {"text": "ü", "list": [1, 2.5, None], "none": None}
    await bury(queen, queue_name, payload, partition="user 7", traceId=trace)
    [letter] = (await queen.queue(queue_name).dlq(GROUP).get())["messages"]
    await queen.queue(queue_name).dlq(GROUP).redrive()
    [copy] = await pop(queen, queue_name)
    assert (copy.data, copy["partition"], copy["traceId"]) == (payload, "user 7", trace)
    assert copy.transaction_id == f"redrive:{letter['id']}:{GROUP}"


@pytest.mark.parametrize("payload", [True, False, "plain words", [1, "2"], [], {}])
async def test_payloads_that_are_no_objects(queen: Queen, queue_name: str, payload: Any) -> None:
    await bury(queen, queue_name, payload)
    assert counts(await queen.queue(queue_name).dlq().redrive()) == {"found": 1, "pushed": 1, "removed": 1}
    [found] = await data(queen, queue_name)
    assert (found, type(found)) == (payload, type(payload))


@pytest.mark.parametrize("payload", [7, 0.1234567, None, "", "5", "true"])
async def test_a_scalar_that_server_07_alters_is_never_pushed_altered(
    queen: Queen, queue_name: str, payload: Any, server_dialect: str
) -> None:
    await bury(queen, queue_name, payload)
    report = await queen.queue(queue_name).dlq().redrive()
    if server_dialect == "0.7":
        assert counts(report) == {"found": 1, "failed": 1}
        assert "does not tell what was pushed" in reasons(report)[0]
        assert len(await letters(queen, queue_name)) == 1
    else:
        assert counts(report) == {"found": 1, "pushed": 1, "removed": 1}
        assert await data(queen, queue_name) == [payload]


async def test_to_another_queue(queen: Queen, queue_name: str, other_queue: str) -> None:
    await queen.queue(other_queue).create()
    await bury(queen, queue_name, {"n": 1}, partition="p")
    report = await queen.queue(queue_name).dlq(GROUP).redrive(to_queue=other_queue)
    assert counts(report) == {"found": 1, "pushed": 1, "removed": 1}
    assert await data(queen, queue_name) == []
    [copy] = await pop(queen, other_queue)
    assert (copy.data, copy["partition"]) == ({"n": 1}, "p")


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_queue_that_server_07_does_not_know_is_a_reason_and_loses_nothing(
    queen: Queen, queue_name: str, other_queue: str, server_dialect: str, dry_run: bool
) -> None:
    await bury(queen, queue_name, {"n": 1}, {"n": 2})
    report = await queen.queue(queue_name).dlq().redrive(to_queue=other_queue, dry_run=dry_run)
    if server_dialect == "0.7":
        assert counts(report) == {"found": 2, "failed": 2}
        assert len(await letters(queen, queue_name)) == 2
    else:
        assert counts(report) == {"found": 2, "pushed": 2, "removed": 2}


async def test_a_group_whose_name_leaves_no_room_for_the_new_id(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, group="g" * 255)
    report = await queen.queue(queue_name).dlq().redrive()
    assert counts(report) == {"found": 1, "failed": 1}
    assert "its new transactionId has 300 characters" in reasons(report)[0]
    assert len(await letters(queen, queue_name)) == 1
