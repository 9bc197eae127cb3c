"""Dead letters are pushed again, once, on every dialect of the embedded broker."""

from __future__ import annotations

import contextlib
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Iterator, List, Optional

import pytest

from queen import ConnectionFailedError, Message, Queen, RedriveResponse, ServerRefusedError
from queen.transport.engine import AnswerLostError, Engine, Headers, Reply
from tests.scripted_server import Received, Scripted, ScriptedServer, answers

GROUP = "g"
NOTHING: Dict[str, Any] = {
    "found": 0, "pushed": 0, "already": 0, "removed": 0, "kept": 0, "failed": 0, "reasons": []
}  # fmt: skip


Watch = Callable[[str, str], Awaitable[None]]


async def nothing(method: str, target: str) -> None:
    """Watches nothing."""


def counts(report: RedriveResponse) -> Dict[str, int]:
    """The numbers of a report that are not 0."""
    return {name: number for name, number in report.items() if isinstance(number, int) and number}


def reasons(report: RedriveResponse) -> List[str]:
    return [reason["reason"] for reason in report["reasons"]]


async def bury(
    queen: Queen, queue: str, *payloads: Any, group: Optional[str] = GROUP, partition: str = "Default", **item: Any
) -> None:
    """Push messages and make dead letters of them."""
    await queen.queue(queue).partition(partition).push([{"data": payload, **item} for payload in payloads])
    await fail(queen, queue, group=group)


async def fail(queen: Queen, queue: str, group: Optional[str] = GROUP) -> None:
    for message in await pop(queen, queue, group):
        assert (await message.nack("broken", status="dlq"))["dlq"]


async def pop(queen: Queen, queue: str, group: Optional[str] = GROUP) -> List[Message]:
    popping = queen.queue(queue).batch(100)
    return await (popping if group is None else popping.group(group)).pop()


async def data(queen: Queen, queue: str, group: Optional[str] = GROUP) -> List[Any]:
    """The payloads that a group gets, settled."""
    popped = await pop(queen, queue, group)
    await queen.ack(popped, True)
    return [message.data for message in popped]


async def letters(queen: Queen, queue: str) -> List[Any]:
    return [letter["data"] for letter in (await queen.queue(queue).dlq().get())["messages"]]


class Watched(Engine):
    """An engine that tells a test of each request and its answer.

    Args:
        engine: sends them.
        before: called with the method and the target.
        after: called with the same, when there is an answer.
    """

    def __init__(self, engine: Engine, before: Watch = nothing, after: Watch = nothing) -> None:
        self._engine = engine
        self._before = before
        self._after = after

    async def send(
        self, origin: str, target: str, method: str, headers: Headers, body: Optional[bytes], deadline: float
    ) -> Reply:
        await self._before(method, target)
        reply = await self._engine.send(origin, target, method, headers, body, deadline)
        await self._after(method, target)
        return reply

    async def close(self) -> None:
        await self._engine.close()


@contextlib.contextmanager
def watched(queen: Queen, before: Watch = nothing, after: Watch = nothing) -> Iterator[None]:
    transport = queen._transport
    engine = transport._engine
    transport._engine = Watched(engine, before, after)
    try:
        yield
    finally:
        transport._engine = engine


async def lose_deletions(method: str, target: str) -> None:
    if method == "DELETE":
        raise AnswerLostError("the connection broke")


@pytest.fixture
async def other_queue(queen: Queen, queue_name: str) -> AsyncIterator[str]:
    """A queue that is not there yet, and not after the test."""
    name = f"{queue_name}-again"
    yield name
    await queen.queue(name).delete()


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


async def test_a_group_whose_name_leaves_no_room_for_the_new_id(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, {"n": 1}, group="g" * 255)
    report = await queen.queue(queue_name).dlq().redrive()
    assert counts(report) == {"found": 1, "failed": 1}
    assert "its new transactionId has 300 characters" in reasons(report)[0]
    assert len(await letters(queen, queue_name)) == 1


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
