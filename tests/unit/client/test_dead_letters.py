"""Dead letters look the same from every server."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from queen import Queen, ServerRefusedError
from tests.scripted_server import ScriptedServer, answers


async def bury(queen: Queen, queue: str, count: int, group: str = "g") -> None:
    await queen.queue(queue).push([{"data": {"n": n}} for n in range(count)])
    for message in await queen.queue(queue).group(group).batch(count).pop():
        await message.nack(f"reason {message.data}", status="dlq")


async def test_limit_and_offset_hold_and_the_total_is_always_there(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, 5)
    page = await queen.queue(queue_name).dlq().limit(2).offset(1).get()
    assert [letter["data"] for letter in page["messages"]] == [{"n": 3}, {"n": 2}]
    assert (page["total"], page["limit"], page["offset"]) == (5, 2, 1)


async def test_letters_of_one_group(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, 1, "one")
    assert (await queen.queue(queue_name).dlq("one").get())["total"] == 1
    assert (await queen.queue(queue_name).dlq("two").get())["total"] == 0


async def test_letters_between_two_times(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, 2)
    now = "2999-01-01"
    assert (await queen.queue(queue_name).dlq().from_("2025-01-01").to(now).get())["total"] == 2
    assert (await queen.queue(queue_name).dlq().to("2025-01-31").get())["total"] == 0


async def test_letters_of_one_partition(queen: Queen, queue_name: str) -> None:
    await bury(queen, queue_name, 1)
    assert (await queen.queue(queue_name).partition("Default").dlq().get())["total"] == 1
    assert (await queen.queue(queue_name).partition("other").dlq().get())["total"] == 0


async def test_server_07_gives_the_same_keys() -> None:
    letter: Dict[str, Any] = {
        "id": "dead-letter-id",
        "messageId": "message-id",
        "partitionId": "p",
        "transactionId": "t",
        "consumerGroup": "g",
        "errorMessage": "why",
        "retryCount": 0,
        "originalCreatedAt": "2026-01-31 10:20:30.1+00",
        "movedToDlqAt": "2026-01-31 10:21:30.1+00",
        "messageCreatedAt": "2026-01-31 10:20:30.1+00",
        "queueName": "q",
        "namespace": "",
        "task": "",
        "partitionName": "Default",
        "data": {"n": 1},
    }
    listing = {"messages": [letter], "total": 7, "limit": 1, "offset": 0}
    async with ScriptedServer(lambda _: answers(listing)) as server, Queen(server.url) as queen:
        page = await queen.queue("q").dlq().limit(1).get()
    [found] = page["messages"]
    assert (found["id"], found["queue"], found["partition"]) == ("message-id", "q", "Default")
    assert found["dlqTimestamp"] == "2026-01-31 10:21:30.1+00"
    assert page["total"] == 7


@pytest.mark.parametrize("body", [{"error": "ERROR: no such thing"}, {"success": False, "error": "ERROR: no"}])
async def test_a_failed_query_is_an_error_and_never_an_empty_list(body: Any) -> None:
    async with ScriptedServer(lambda _: answers(body)) as server, Queen(server.url) as queen:
        with pytest.raises(ServerRefusedError):
            await queen.queue("q").dlq().get()


def test_wrong_arguments_name_what_is_accepted() -> None:
    query = Queen("http://127.0.0.1:1").queue("q").dlq()
    refused: List[Any] = [lambda: query.limit(0), lambda: query.offset(-1), lambda: query.from_("")]
    for build in refused:
        with pytest.raises(ValueError, match="accepted"):
            build()
