"""Cycles of streaming queries."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, TypeVar, Union, cast

from queen_api.models import CycleAnswer

from queen.broker.domain import casts, cycles
from queen.broker.domain.cycles import Cycle, CycleFailedError, Progress, Settlement
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.pushing import Item
from queen.broker.domain.query_state import Change, Delete, Upsert
from queen.broker.domain.queues import DEFAULT_PARTITION
from queen.broker.domain.transactions import Unstorable
from queen.broker.failures import DatabaseRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.fields import boolean_field, object_body, place_fields, refuse_zero
from queen.broker.routes.messages import push_result

T = TypeVar("T")


async def run_cycle(backend: Backend, call: Call) -> Answer:
    """Change state, push, and acknowledge, all or nothing."""
    fields = object_body(call)
    query_id, partition_id = place_fields(fields)
    refuse_zero(fields)
    cycle = Cycle(
        query_id=query_id,
        partition_id=partition_id,
        group=casts.text(fields.get("consumer_group")) or QUEUE_MODE,
        changes=_read_list(fields.get("state_ops", []), _read_change),
        items=_read_list(fields.get("push_items", []), _read_item),
        settlement=_read_settlement(fields.get("ack")),
        release=boolean_field(fields, "release_lease", True),
    )
    try:
        return database(_answer(await backend.store.run(lambda tx: cycles.run(tx, cycle)), None))
    except CycleFailedError as failure:
        return database(_answer(failure.progress, failure.error))


ROUTES: RouteTable = [("POST", "/streams/v1/cycle", run_cycle)]


def _read_list(value: object, read: Callable[[object], Union[T, Unstorable]]) -> List[Union[T, Unstorable]]:
    if not isinstance(value, list):
        return [Unstorable("cannot get array length of a scalar")]
    return [read(entry) for entry in cast("List[object]", value)]


def _fields(entry: object) -> Dict[str, object]:
    return cast("Dict[str, object]", entry) if isinstance(entry, dict) else {}


def _read_change(entry: object) -> Union[Change, Unstorable]:
    fields = _fields(entry)
    kind, key = casts.text(fields.get("type")), casts.text(fields.get("key"))
    if kind == "delete":
        return Delete(key)
    if kind != "upsert":
        return Unstorable(f"Unknown state_op type: {'null' if kind is None else kind}")
    if key is None:
        return Unstorable('null value in column "key" violates not-null constraint')
    return Upsert(key, fields.get("value", {}))


def _read_item(entry: object) -> Union[Item, Unstorable]:
    fields = _fields(entry)
    queue, partition = casts.text(fields.get("queue")), casts.text(fields.get("partition"))
    if queue is None:
        return Unstorable('null value in column "name" violates not-null constraint')
    return Item(
        queue=queue,
        partition=DEFAULT_PARTITION if partition is None else partition,
        payload=fields.get("payload", {}),
        transaction_id=casts.text(fields.get("transactionId")),
        trace_id=casts.text(fields.get("traceId")),
        message_id=casts.text(fields.get("messageId")),
        namespace=casts.text(fields.get("namespace")),
        task=casts.text(fields.get("task")),
    )


def _read_settlement(value: object) -> Optional[Settlement]:
    if value is None:
        return None
    fields = _fields(value)
    status, error = casts.text(fields.get("status")), casts.text(fields.get("error"))
    return Settlement(
        transaction_id=casts.text(fields.get("transactionId")) or "",
        lease_id=casts.text(fields.get("leaseId")),
        status="completed" if status is None else status,
        count=_read_count(fields.get("count")),
        error="Streaming cycle reported failure" if error is None else error,
    )


def _read_count(value: object) -> Union[int, Unstorable]:
    try:
        return 1 if value is None else casts.integer(value)
    except DatabaseRefusalError as refusal:
        return Unstorable(refusal.reason)


def _answer(progress: Progress, error: Optional[str]) -> CycleAnswer:
    settled = progress.settled
    answer: CycleAnswer = {
        "success": error is None,
        "query_id": progress.query_id,
        "partition_id": progress.partition_id,
        "queueName": progress.queue,
        "state_ops_applied": progress.changes,
        "push_results": [push_result(index, stored) for index, stored in enumerate(progress.stored)],
        "ack_result": None,
    }
    if error is not None:
        answer["error"] = error
    elif settled is not None:
        answer["ack_result"] = {
            "success": True,
            "count": settled.count,
            "lease_released": settled.lease_released,
            "dlq": settled.dlq,
        }
    return answer
