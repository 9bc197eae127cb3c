"""What a server receives is exactly what was said, and what a broker gives back is what was pushed."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Dict, List
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from queen import Queen
from queen.config import QUEUE_DEFAULTS
from queen.validation import is_path_name
from tests.hostile.driver import Driver, driver, outcome
from tests.hostile.values import PAYLOADS, SEEDED, STORABLE, TEXTS
from tests.scripted_server import Answer, Received, answers

NAMES = STORABLE.filter(bool)
PATH_NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12).filter(is_path_name)
DEPTHS = (10, 200, 253, 254, 255, 256, 400)


def stores_all(received: Received) -> Answer:
    body: Any = received.json if received.body else {}
    if received.target.endswith("/push"):
        return answers([{"status": "queued", "transaction_id": item["transactionId"]} for item in body["items"]])
    if received.target.endswith("/transaction"):
        return answers({"success": True, "transactionId": "x", "results": []})
    if "/pop" in received.target:
        return answers({"success": True, "messages": []})
    if received.target.endswith("/ack"):
        return answers([{"transactionId": body["transactionId"], "success": True, "error": None, "dlq": False}])
    return answers({"success": True})


def last_body(there: Driver) -> Any:
    return there.server.received[-1].json


def last_query(there: Driver) -> Dict[str, str]:
    query = urlsplit(there.server.received[-1].target).query
    return {name: value for name, [value] in parse_qs(query, keep_blank_values=True).items()}


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for level in range(depth):
        value = [value] if level % 2 else {"in": value}
    return value


@pytest.mark.parametrize("buffered", [False, True])
def test_a_push_sends_what_was_said(buffered: bool) -> None:
    with driver(stores_all) as there:

        @SEEDED
        @given(PATH_NAMES, st.none() | NAMES, NAMES, PAYLOADS, st.none() | st.uuids())
        def holds(queue: str, partition: Any, identifier: str, payload: Any, trace: Any) -> None:
            async def push() -> None:
                builder = there.queen.queue(queue)
                builder = builder if partition is None else builder.partition(partition)
                item = {"data": payload, "transactionId": identifier, "traceId": trace}
                if buffered:
                    await builder.buffer().push([item])
                    await there.queen.flush_all_buffers()
                else:
                    await builder.push([item])

            there.run(push())
            wanted = {"queue": queue, "transactionId": identifier, "payload": payload}
            if partition is not None:
                wanted["partition"] = partition
            if trace is not None:
                wanted["traceId"] = str(trace)
            assert last_body(there) == {"items": [wanted]}

        holds()


def test_a_pop_asks_for_what_was_said() -> None:
    with driver(stores_all) as there:

        @SEEDED
        @given(PATH_NAMES, st.none() | PATH_NAMES.filter(lambda name: name != "null"), NAMES, st.integers(1, 2**31 - 1))
        def holds(queue: str, partition: Any, group: str, batch: int) -> None:
            builder = there.queen.queue(queue).group(group).batch(batch)
            there.run((builder if partition is None else builder.partition(partition)).pop())
            path = urlsplit("http://x" + there.server.received[-1].target).path
            place = f"/queue/{queue}" if partition is None else f"/queue/{queue}/partition/{partition}"
            assert path == f"/api/v1/pop{place}"
            assert last_query(there) == {"batch": str(batch), "consumerGroup": group}

        holds()


def test_an_ack_says_what_was_said() -> None:
    with driver(stores_all) as there:

        @SEEDED
        @given(NAMES, NAMES, NAMES, NAMES.filter(lambda name: name != "__QUEUE_MODE__"), STORABLE)
        def holds(identifier: str, partition_id: str, lease: str, group: str, error: str) -> None:
            message = {
                "transactionId": identifier, "partitionId": partition_id, "leaseId": lease, "consumerGroup": group,
            }  # fmt: skip
            there.run(there.queen.ack(message, False, {"error": error}))
            assert last_body(there) == {**message, "status": "failed", "error": error}
            there.run(there.queen.transaction().ack(message, "dlq", {"error": error}).commit())
            assert last_body(there)["operations"] == [{**message, "type": "ack", "status": "failed", "error": error}]

        holds()


def test_a_queue_is_created_as_it_was_said() -> None:
    numbers = st.integers(0, 2**31 - 1)
    with driver(stores_all) as there:

        @SEEDED
        @given(PATH_NAMES, NAMES, NAMES, numbers, numbers, st.booleans())
        def holds(queue: str, namespace: str, task: str, lease: int, limit: int, encrypted: bool) -> None:
            said = {"leaseTime": lease, "retry_limit": limit, "encryptionEnabled": encrypted}
            there.run(there.queen.queue(queue).namespace(namespace).task(task).config(said).create())
            options = {**QUEUE_DEFAULTS, "leaseTime": lease, "retryLimit": limit, "encryptionEnabled": encrypted}
            assert last_body(there) == {"queue": queue, "namespace": namespace, "task": task, "options": options}

        holds()


@SEEDED
@given(st.dictionaries(st.sampled_from(["data", "payload", "transactionId", "transaction_id"]), TEXTS, min_size=1))
@example({"data": "one", "payload": "another"})
@example({"data": 1, "transactionId": "a", "transaction_id": "b"})
def test_nothing_of_an_item_is_passed_over(item: Dict[str, Any]) -> None:
    with driver(stores_all) as there:
        raised = there.run(outcome(lambda: there.queen.queue("q").push([item])))
        if raised is None:
            [sent] = last_body(there)["items"]
            assert all(value in sent.values() for value in item.values())
        else:
            assert isinstance(raised, ValueError)
            assert not there.server.received


@pytest.mark.parametrize(
    "payload",
    [
        float("nan"), [float("inf")], {"in": -float("inf")}, 2**64, -(2**63) - 1, 10**5000, "\ud800", {"\udfff": 1},
        "a\0b", {"\0": 1}, {1: 2}, {None: 1}, b"bytes", {1, 2}, object(), [1, {"in": object()}], 1j, nested(100_000),
    ],
    ids=lambda payload: type(payload).__name__,
)  # fmt: skip
async def test_what_cannot_be_stored_is_refused_with_its_place(payload: Any) -> None:
    async with Queen("http://127.0.0.1:1") as queen:
        for pusher in (queen.queue("q"), queen.queue("q").buffer()):
            with pytest.raises((TypeError, ValueError), match=r"data|nested too deeply"):
                await pusher.push([{"data": payload}])


def test_what_is_pushed_comes_back() -> None:
    loop = asyncio.new_event_loop()
    queen = Queen("memory://")

    async def there_and_back(payloads: List[Any]) -> List[Any]:
        queue = queen.queue(uuid.uuid4().hex)
        await queue.push([{"data": payload} for payload in payloads])
        found = await queue.batch(len(payloads)).pop()
        assert all(result["success"] for result in await queen.ack(found, True))
        return [message.data for message in found]

    @SEEDED
    @given(st.lists(PAYLOADS, min_size=1, max_size=5))
    def holds(payloads: List[Any]) -> None:
        assert written(loop.run_until_complete(there_and_back(payloads))) == written(payloads)

    try:
        holds()
    finally:
        loop.run_until_complete(queen.close())
        loop.close()


@pytest.mark.parametrize("depth", DEPTHS)
async def test_payloads_nested_deeply_come_back(depth: int) -> None:
    async with Queen("memory://") as queen:
        await queen.queue("q").push([{"data": nested(depth)}])
        [message] = await queen.queue("q").pop()
        assert message.data == nested(depth)


def written(value: Any) -> str:
    """A value so that 1, 1.0 and True differ, and the order of keys does not."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{written(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return repr(value)
