"""What a handler does to its messages, and whatever its error says, ends no consumer."""

from __future__ import annotations

from typing import Any, List

import pytest

from queen import Message, Queen


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.dialects("embedded", "0.15")
@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ValueError("a\0b"), "a\\0b"),
        (ValueError("\ud800"), "\\ud800"),
        (SilentError(), "SilentError"),
        (ValueError(), "ValueError"),
    ],
    ids=["U+0000", "surrogate", "unspeakable", "silent"],
)
async def test_an_error_that_no_server_can_store_is_kept_in_words_that_it_can(
    queen: Queen, queue_name: str, error: Exception, kept: str
) -> None:
    queue = queen.queue(queue_name)
    await queue.config({"retryLimit": 0}).create()
    await queue.push([{"data": "bad"}, {"data": "good"}])
    handled: List[Any] = []

    def handler(message: Message) -> None:
        handled.append(message.data)
        if message.data == "bad":
            raise error

    await queue.limit(2).consume(handler)
    assert handled == ["bad", "good"]
    [letter] = (await queue.dlq().get())["messages"]
    assert letter["errorMessage"] == kept


async def test_a_handler_that_empties_its_list_and_fails_has_failed_all_of_it(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name)
    await queue.push([{"data": 1}, {"data": 2}])
    batches: List[List[Any]] = []

    def handler(messages: List[Message]) -> None:
        batches.append([message.data for message in messages])
        if len(batches) == 1:
            messages.clear()
            raise ValueError("bad batch")

    await queue.batch(2).limit(4).consume(handler)
    assert batches == [[1, 2], [1, 2]]


@pytest.mark.dialects("embedded")
@pytest.mark.parametrize("reason", ["a\0b", "\ud800", 5])
async def test_a_reason_that_cannot_be_sent_is_refused_and_decides_nothing(
    queen: Queen, queue_name: str, reason: Any
) -> None:
    queue = queen.queue(queue_name)
    await queue.push({"data": 1})
    [message] = await queue.pop()
    with pytest.raises((TypeError, ValueError), match="error="):
        await message.nack(reason)
    assert (await message.ack())["success"]


@pytest.mark.dialects("embedded")
async def test_a_message_whose_id_was_changed_is_refused(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name)
    await queue.push({"data": 1})
    [message] = await queue.pop()
    message["transactionId"] = "another"
    with pytest.raises(ValueError, match="another 'transactionId' than it was popped with"):
        await queen.ack([message], True)
