"""Hooks may change some of what is pushed; what they may not change is as the user gave it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator

import pytest

from queen import Hooks, Queen, QueenError
from queen.hooks import Commit, Push
from queen.testing import QueenBroker
from tests.telemetry.notes import Notes

TRACE = "018f9f6e-7b1c-7c3a-9d2e-0123456789ab"


class Changing(Hooks):
    """Changes what is pushed."""

    def __init__(self, **changes: object) -> None:
        self._changes = changes

    @contextmanager
    def pushing(self, push: Push) -> Iterator[None]:
        for item in push.items:
            changed: Any = item
            changed.update({key: value for key, value in self._changes.items() if key != "transactionId"})
            if push.made_id(item) and "transactionId" in self._changes:
                changed["transactionId"] = self._changes["transactionId"]
        yield


async def test_a_hook_may_change_what_is_pushed(server_url: str, queue_name: str) -> None:
    trace = "018f9f6e-7b1c-7c3a-9d2e-0123456789ab"
    hook = Changing(traceId=trace, transactionId="of the hook", payload={"n": 2})
    async with Queen(server_url, hooks=[hook]) as queen:
        given = {"n": 1}
        [result] = await queen.queue(queue_name).push([{"data": given}])
        await queen.queue(queue_name).partition("mine").push([{"data": given, "transactionId": "mine"}])
        [message] = await queen.queue(queue_name).partition("Default").pop()
        [mine] = await queen.queue(queue_name).partition("mine").pop()
    assert (result["transaction_id"], message.transaction_id, mine.transaction_id) == (
        "of the hook",
        "of the hook",
        "mine",
    )
    assert (message.trace_id, message.data, given) == (trace, {"n": 2}, {"n": 1})


@pytest.mark.parametrize("changes", [{"traceId": "no UUID"}, {"transactionId": "x" * 256}, {"transactionId": 5}])
async def test_a_change_that_no_server_could_store_is_taken_back(
    server_url: str, queue_name: str, changes: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with Queen(server_url, hooks=[Changing(**changes)]) as queen:
        [result] = await queen.queue(queue_name).push([{"data": 1}])
        [message] = await queen.queue(queue_name).pop()
    assert result["status"] == "queued"
    assert message.transaction_id == result["transaction_id"]
    assert message.trace_id is None
    assert "changeIgnored" in caplog.text


class Spoiling(Hooks):
    """Does to what is pushed what a test says."""

    def __init__(self, spoil: Callable[[Any], object]) -> None:
        self._spoil = spoil

    @contextmanager
    def pushing(self, push: Push) -> Iterator[None]:
        self._spoil(push)
        yield

    @contextmanager
    def committing(self, commit: Commit) -> Iterator[None]:
        self._spoil(commit)
        yield


SPOILED: Dict[str, Callable[[Any], object]] = {
    "an id that the user gave": lambda push: push.items[0].update(transactionId="of the hook"),
    "a trace id that the user gave": lambda push: push.items[0].update(traceId=TRACE[::-1].replace("-", "")),
    "no trace id any more": lambda push: push.items[0].pop("traceId"),
    "no id any more": lambda push: push.items[1].pop("transactionId"),
    "no payload any more": lambda push: push.items[0].pop("payload"),
    "no JSON": lambda push: push.items[0].update(payload={1, 2}),
    "another queue": lambda push: push.items[0].update(queue="elsewhere"),
    "another partition": lambda push: push.items[0].update(partition="elsewhere"),
    "a key that nobody knows": lambda push: push.items[0].update(colour="red"),
    "one id for two": lambda push: push.items[1].update(transactionId="mine"),
    "nothing at all": lambda push: push.items[0].clear(),
    "no items": lambda push: push.items.clear(),
    "one item more": lambda push: push.items.append(push.items[0]),
}


ITEMS = [{"data": 1, "transactionId": "mine", "traceId": TRACE}, {"data": 2}]


async def check_as_given(queen: Queen, broker: QueenBroker) -> None:
    """Hold what is stored to ITEMS."""
    assert len(broker.pushed()) == len(ITEMS)
    first, second = await queen.queue("q").partition("Default").batch(9).pop()
    assert (first.transaction_id, first.trace_id, first.data) == ("mine", TRACE, 1)
    assert (second.trace_id, second.data) == (None, 2)


@pytest.mark.parametrize("buffered", [False, True], ids=["at once", "buffered"])
@pytest.mark.parametrize("what", SPOILED)
async def test_what_hooks_may_not_change_is_as_the_user_gave_it(
    queen_broker: QueenBroker, what: str, buffered: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with Queen(queen_broker.url, hooks=[Spoiling(SPOILED[what])]) as queen:
        queue = queen.queue("q").buffer() if buffered else queen.queue("q")
        await queue.push(ITEMS)
        await queen.flush_all_buffers()
        await check_as_given(queen, queen_broker)
    assert "Hooks" in caplog.text


@pytest.mark.parametrize("what", SPOILED)
async def test_what_hooks_may_not_change_of_a_transaction_is_as_the_user_gave_it(
    queen_broker: QueenBroker, what: str
) -> None:
    async with Queen(queen_broker.url, hooks=[Spoiling(SPOILED[what])]) as queen:
        await queen.transaction().queue("q").push(ITEMS).commit()
        await check_as_given(queen, queen_broker)


async def test_an_attempt_in_doubt_is_sent_as_the_first_one(queen_broker: QueenBroker) -> None:
    hook, notes = Spoiling(_mark_made_ids), Notes()
    async with Queen(queen_broker.url, hooks=[hook, notes], retry_attempts=0, retry_delay_millis=1) as queen:
        transaction = queen.transaction().queue("q").push([{"data": 1}])
        queen_broker.lose_answers(4)
        with pytest.raises(QueenError):
            await transaction.commit()
        queen_broker.clear_faults()
        await transaction.commit()
    first, second = notes.of(Commit)
    assert (first.in_doubt, second.in_doubt) == (False, True)
    [stored] = queen_broker.pushed()
    assert stored.transaction_id == second.items[0]["transactionId"]
    assert stored.transaction_id.count(";mark") == 1


def _mark_made_ids(told: Any) -> None:
    for item in told.items:
        if told.made_id(item):
            item["transactionId"] += ";mark"


async def test_a_message_that_is_handed_back_and_pushed_again_keeps_its_id(queen_broker: QueenBroker) -> None:
    async with Queen(queen_broker.url, hooks=[Spoiling(_mark_made_ids)], retry_attempts=0) as queen:
        queen_broker.fail_next(1, operation="push")
        with pytest.raises(QueenError) as raised:
            await queen.queue("q").push([{"data": 1}])
        [unsent] = raised.value.unsent
        await queen.queue("q").push([unsent])
    [stored] = queen_broker.pushed()
    assert stored.transaction_id == unsent["transactionId"]
    assert stored.transaction_id.count(";mark") == 1
