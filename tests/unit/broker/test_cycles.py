"""Cycles of streaming queries: state, pushes and the ack of the source happen together or not at all."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, Dict, List, Optional

import attrs
import pytest

from queen.broker import Broker, ManualClock
from tests.unit.broker.conftest import Api, data
from tests.unit.broker.test_queries import refusal, register
from tests.unit.broker.test_time import until_parked

CHANGE = {"type": "upsert", "key": "n", "value": 2}
PUSH = {"queue": "sink", "payload": 1, "transactionId": "k"}


@attrs.frozen
class Source:
    """A queue with four messages, all popped by a group, and a query over it."""

    api: Api
    query_id: str
    messages: List[Dict[str, Any]]

    @property
    def partition_id(self) -> str:
        return str(self.messages[0]["partitionId"])

    def ack(self, number: int, **more: Any) -> Dict[str, Any]:
        message = self.messages[number]
        return {"transactionId": message["transactionId"], "leaseId": message["leaseId"], **more}

    async def cycle(self, **fields: Any) -> Dict[str, Any]:
        body = {"query_id": self.query_id, "partition_id": self.partition_id, "consumer_group": "g", **fields}
        answer: Dict[str, Any] = await self.api.call("POST", "/streams/v1/cycle", body)
        return answer

    async def pop(self, **query: Any) -> Dict[str, Any]:
        return await self.api.pop("orders", "Default", consumerGroup="g", **query)

    async def state(self) -> Dict[str, Any]:
        body = {"query_id": self.query_id, "partition_id": self.partition_id}
        answer = await self.api.call("POST", "/streams/v1/state/get", body)
        return {row["key"]: row["value"] for row in answer["rows"]}

    async def group(self, name: str = "g") -> Dict[str, Any]:
        """Where the group stands in the partition."""
        [found] = (await self.api.call("GET", f"/api/v1/consumer-groups/{name}"))["orders"]["partitions"]
        partition: Dict[str, Any] = found
        return partition


@pytest.fixture
async def source(api: Api) -> Source:
    await api.configure("orders", leaseTime=30, retryLimit=1)
    await api.push("orders", 0, 1, 2, 3)
    popped = await api.pop("orders", "Default", consumerGroup="g")
    found = Source(api, (await register(api))["query_id"], popped["messages"])
    assert (await found.cycle(state_ops=[{"type": "upsert", "key": "n", "value": 1}]))["success"]
    return found


def failing(fields: Dict[str, Any], error: Optional[str], applied: int = 1, pushed: int = 1, name: str = "") -> Any:
    return pytest.param(fields, error, applied, pushed, id=name or str(error))


@pytest.mark.parametrize(
    ("fields", "error", "applied", "pushed"),
    [
        failing({"ack": {"transactionId": "nowhere"}}, "Message not found"),
        failing({"ack": {"transactionId": "t3", "leaseId": str(uuid.uuid4())}}, "Invalid or expired lease"),
        failing({"ack": {"transactionId": "t3", "leaseId": "no uuid"}}, "Invalid or expired lease", name="lease-text"),
        failing({"ack": {}}, "ack.transactionId is required"),
        failing({"ack": {"transactionId": ""}}, "ack.transactionId is required", name="empty-id"),
        failing({"ack": "t3"}, "ack.transactionId is required", name="ack-text"),
        failing({"ack": []}, "ack.transactionId is required", name="ack-list"),
        failing({"ack": {"transactionId": "t3", "status": "retry"}}, "Unknown ack.status: retry"),
        failing({"ack": {"transactionId": "t3", "status": 5}}, "Unknown ack.status: 5"),
        failing({"ack": {"transactionId": "t3", "status": ""}}, "Unknown ack.status: "),
        failing({"ack": {"transactionId": "t3", "count": "many"}}, None, name="count-text"),
        failing({"ack": {"transactionId": "t3", "count": 1.5}}, None, name="count-fraction"),
        failing({"ack": {"transactionId": "t3", "count": True}}, None, name="count-boolean"),
        failing({"ack": {"transactionId": "t3", "count": 2**31}}, None, name="count-large"),
        failing({"ack": {"transactionId": "t3"}, "consumer_group": "g" * 256}, None, name="group-long"),
        failing({"ack": {"transactionId": "t3", "status": "dlq"}, "consumer_group": "g" * 256}, None, name="dlq-long"),
        failing({"state_ops": [CHANGE, {"type": "zap"}]}, "Unknown state_op type: zap", 1, 0),
        failing({"state_ops": [CHANGE, CHANGE, {}]}, "Unknown state_op type: null", 2, 0),
        failing({"state_ops": [CHANGE, "upsert"]}, "Unknown state_op type: null", 1, 0, "change-text"),
        failing({"state_ops": [CHANGE, {"type": 5}]}, "Unknown state_op type: 5", 1, 0),
        failing({"state_ops": [CHANGE, {"type": "upsert", "value": 1}]}, None, 1, 0, "no-key"),
        failing({"state_ops": [CHANGE, {"type": "upsert", "key": None}]}, None, 1, 0, "null-key"),
        failing({"state_ops": None}, None, 0, 0, "null-changes"),
        failing({"state_ops": {"type": "upsert"}}, None, 0, 0, "no-list-of-changes"),
        failing({"push_items": None}, None, 1, 0, "null-items"),
        failing({"push_items": {"queue": "sink"}}, None, 1, 0, "no-list-of-items"),
        failing({"push_items": [PUSH, {"payload": 1}]}, None, 1, 0, "no-queue"),
        failing({"push_items": [PUSH, "sink"]}, None, 1, 0, "item-text"),
        failing({"push_items": [PUSH, {**PUSH, "transactionId": "l", "traceId": "bad"}]}, None, 1, 0, "bad-trace"),
        failing({"push_items": [PUSH, {**PUSH, "transactionId": "l", "messageId": "bad"}]}, None, 1, 0, "bad-id"),
        failing({"push_items": [PUSH, {**PUSH, "transactionId": "x" * 256}]}, None, 1, 0, "long-id"),
        failing({"push_items": [PUSH, {"queue": "x" * 256}]}, None, 1, 0, "long-queue"),
    ],
)  # fmt: skip
async def test_a_cycle_that_fails_changes_nothing_and_tells_what_it_had_done(
    source: Source, fields: Dict[str, Any], error: Optional[str], applied: int, pushed: int
) -> None:
    stood = await source.group()
    answer = await source.cycle(**{"state_ops": [CHANGE], "push_items": [PUSH], "ack": source.ack(3), **fields})
    assert answer.pop("error") == error if error is not None else answer.pop("error")
    assert [result["transaction_id"] for result in answer.pop("push_results")] == ["k"] * pushed
    assert answer == {
        "success": False, "query_id": source.query_id, "partition_id": source.partition_id, "queueName": "orders",
        "state_ops_applied": applied, "ack_result": None,
    }  # fmt: skip
    assert await source.state() == {"n": 1}
    assert [entry["name"] for entry in (await source.api.call("GET", "/api/v1/resources/queues"))["queues"]] == [
        "orders"
    ]
    assert (await source.api.call("GET", "/api/v1/dlq"))["messages"] == []
    assert await source.group() == stood
    assert (await source.pop())["error"] == "lease_held"


async def test_a_query_that_there_is_not_fails_only_when_state_is_stored(source: Source) -> None:
    unknown = str(uuid.uuid4())
    stored = await source.cycle(query_id=unknown, state_ops=[{"type": "delete", "key": "n"}, CHANGE])
    assert (stored["success"], stored["state_ops_applied"], stored["query_id"]) == (False, 1, unknown)
    deleted = await source.cycle(query_id=unknown, state_ops=[{"type": "delete", "key": "n"}], ack=source.ack(3))
    assert (deleted["success"], deleted["state_ops_applied"]) == (True, 1)
    assert await source.state() == {"n": 1}, "state is that of one query"


@pytest.mark.parametrize("partition", ["bad", ""])
async def test_ids_that_cannot_be_read_are_told_as_empty(source: Source, partition: str) -> None:
    answer = await source.cycle(partition_id=partition, state_ops=[CHANGE])
    assert (answer["success"], answer["query_id"], answer["partition_id"]) == (False, source.query_id, "")
    answer = await source.cycle(query_id="bad", partition_id=partition)
    assert (answer["query_id"], answer["partition_id"], answer["queueName"]) == ("", "", None)


@pytest.mark.parametrize("release", ["maybe", "", 2, [], {}])
async def test_a_release_that_is_no_boolean_is_refused_outside_the_cycle(source: Source, release: Any) -> None:
    body = {"query_id": source.query_id, "partition_id": source.partition_id, "state_ops": [CHANGE]}
    assert await refusal(source.api, "/streams/v1/cycle", {**body, "release_lease": release}) == 200
    assert await source.state() == {"n": 1}


@pytest.mark.parametrize(("release", "ended"), [(None, True), ("yes", True), (1, True), (False, False), ("off", False)])
async def test_the_lease_ends_or_stays_as_asked(source: Source, release: Any, ended: bool) -> None:
    answer = await source.cycle(ack=source.ack(3), release_lease=release)
    assert answer["ack_result"] == {"success": True, "count": 1, "lease_released": ended, "dlq": False}
    assert (await source.group())["leaseActive"] is not ended


async def test_one_ack_settles_the_whole_batch(source: Source, api: Api) -> None:
    await api.ack(source.messages[0])
    answer = await source.cycle(ack=source.ack(3, count="4"))
    assert answer["ack_result"]["count"] == 4
    assert (await source.group())["totalConsumed"] == 5
    await api.push("orders", 4, 5)
    popped = await source.pop()
    assert data(popped) == [4, 5]
    await api.ack(popped["messages"][0])
    assert (await source.group())["leaseActive"], "the acks of the batch before do not count in this one"


async def test_a_kept_lease_lets_cycles_go_on_and_the_rest_comes_again(source: Source, clock: ManualClock) -> None:
    for number in (0, 1):
        assert (await source.cycle(ack=source.ack(number), release_lease=False))["success"]
    assert (await source.pop())["error"] == "lease_held"
    clock.advance(30)
    late = await source.cycle(ack=source.ack(2), state_ops=[CHANGE])
    assert (late["success"], late["error"]) == (False, "Invalid or expired lease")
    assert data(await source.pop()) == [2, 3]
    assert await source.state() == {"n": 1}


async def test_a_kept_lease_keeps_what_was_counted_of_its_batch(source: Source, api: Api) -> None:
    await api.ack(source.messages[0])
    await source.cycle(ack=source.ack(1), release_lease=False)
    for number, released in ((1, False), (2, False), (3, True)):
        assert (await api.ack(source.messages[number]))["leaseReleased"] is released


@pytest.mark.parametrize("status", ["failed", "dlq"])
async def test_a_failure_is_a_dead_letter_at_once_and_always_ends_the_lease(source: Source, status: str) -> None:
    answer = await source.cycle(ack=source.ack(1, status=status, count="ignored"), release_lease=False)
    assert answer["ack_result"] == {"success": True, "count": 0, "lease_released": False, "dlq": True}
    [letter] = (await source.api.call("GET", "/api/v1/dlq"))["messages"]
    told = (letter["data"], letter["consumerGroup"], letter["retryCount"], letter["errorMessage"])
    assert told == (1, "g", 0, "Streaming cycle reported failure")
    assert (await source.group())["totalConsumed"] == 0
    assert data(await source.pop()) == [2, 3]


async def test_a_failure_without_a_row_writes_a_dead_letter_alone(source: Source) -> None:
    await source.cycle(consumer_group="new", ack={"transactionId": "t1", "status": "failed", "error": 5})
    [letter] = (await source.api.call("GET", "/api/v1/dlq", consumerGroup="new"))["messages"]
    assert letter["errorMessage"] == "5"
    assert await source.api.call("GET", "/api/v1/consumer-groups/new") is None


@pytest.mark.parametrize("group", [None, "", "__QUEUE_MODE__"])
async def test_no_group_is_queue_mode_and_gets_a_row(source: Source, group: Any) -> None:
    await source.cycle(consumer_group=group, ack={"transactionId": "t2", "count": 3})
    assert data(await source.api.pop("orders", "Default")) == [3]
    assert (await source.group("__QUEUE_MODE__"))["totalConsumed"] == 3


async def test_a_completed_cycle_leaves_the_counted_failures(source: Source, api: Api) -> None:
    assert not (await api.ack(source.messages[0], "failed"))["dlq"]
    again = await source.pop(batch=1)
    await source.cycle(ack={"transactionId": "t0", "leaseId": again["leaseId"]})
    # The batch is over: an ack that comes late cannot complete it, which would forget the failures.
    await api.ack(again["messages"][0], leaseId="")
    assert (await api.ack((await source.pop())["messages"][0], "failed"))["dlq"], "the one retry is used up"


async def test_values_of_other_types_are_read_as_texts(source: Source) -> None:
    changes = [
        {"type": "upsert", "key": 5}, {"type": "upsert", "key": True, "value": None}, {"type": "upsert", "key": "5.0"},
        {"type": "delete", "key": "n"}, {"type": "delete"}, {"type": "delete", "key": None},
    ]  # fmt: skip
    await source.api.push("orders", "x")
    items = [{"queue": 7, "partition": None, "transactionId": 8}]
    answer = await source.cycle(state_ops=changes, push_items=items, consumer_group=9, ack={"transactionId": "t0"})
    assert (answer["success"], answer["state_ops_applied"]) == (True, 6)
    assert await source.state() == {"5": {}, "5.0": {}, "true": None}
    [message] = (await source.api.pop("7", "Default"))["messages"]
    assert (message["data"], message["transactionId"]) == ({}, "8")
    assert (await source.group("9"))["totalConsumed"] == 1


async def test_pushed_items_may_bring_their_id_and_the_names_of_a_new_queue(source: Source) -> None:
    given = str(uuid.uuid4())
    named = {"queue": "a.b", "messageId": given, "namespace": "n", "task": "t"}
    answer = await source.cycle(push_items=[named, {"queue": "a.b", "namespace": "late"}, {"queue": "c.d"}])
    assert answer["push_results"][0]["message_id"] == given
    found = (await source.api.call("GET", "/api/v1/resources/queues"))["queues"]
    names = {entry["name"]: (entry["namespace"], entry["task"]) for entry in found}
    assert (names["a.b"], names["c.d"]) == (("n", "t"), ("c", "d"))


async def test_a_duplicate_is_told_and_everything_else_happens(source: Source) -> None:
    answer = await source.cycle(state_ops=[CHANGE], push_items=[PUSH, PUSH], ack=source.ack(3))
    assert [result["status"] for result in answer["push_results"]] == ["queued", "duplicate"]
    assert answer["success"]
    assert await source.state() == {"n": 2}
    assert data(await source.pop()) == []
    assert data(await source.api.pop("sink")) == [1]


async def test_a_repeated_cycle_is_refused_by_the_lease_that_it_gave_back(source: Source) -> None:
    count = {"state_ops": [CHANGE], "push_items": [{"queue": "sink"}], "ack": source.ack(3)}
    assert (await source.cycle(**count))["success"]
    repeated = await source.cycle(**count)
    assert repeated["error"] == "Invalid or expired lease"
    assert len((await source.api.pop("sink"))["messages"]) == 1


async def test_the_state_outlives_its_queue_whose_messages_are_gone(source: Source) -> None:
    await source.api.call("DELETE", "/api/v1/resources/queues/orders")
    assert await source.state() == {"n": 1}
    answer = await source.cycle(state_ops=[CHANGE], ack=source.ack(3))
    assert (answer["error"], answer["queueName"]) == ("Message not found", None)
    assert (await source.cycle(state_ops=[CHANGE]))["success"]
    assert await source.state() == {"n": 2}


@pytest.mark.parametrize("status", ["completed", "failed"])
async def test_a_poll_is_woken_by_the_lease_that_a_cycle_gives_back(
    source: Source, broker: Broker, status: str
) -> None:
    poll = asyncio.ensure_future(source.pop(wait="true", timeout=5000))
    await until_parked(broker)
    await source.cycle(ack=source.ack(1, status=status))
    assert data(await asyncio.wait_for(poll, 5)) == [2, 3]


async def test_a_poll_is_woken_by_what_a_cycle_pushes(source: Source, broker: Broker) -> None:
    poll = asyncio.ensure_future(source.api.pop("sink", wait="true", timeout=5000))
    await until_parked(broker)
    await source.cycle(push_items=[PUSH])
    assert data(await asyncio.wait_for(poll, 5)) == [1]
