"""Transactions."""

from __future__ import annotations

from typing import Dict, List, Optional, cast

from queen_api.models import TransactionAnswer, TransactionResult

from queen.broker import identifiers
from queen.broker.domain import casts, transactions
from queen.broker.domain.acks import Ack
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.pushing import Item, Stored
from queen.broker.domain.queues import DEFAULT_PARTITION
from queen.broker.domain.transactions import AckDone, Done, Operation, RolledBackError, Unknown, Unstorable
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.fields import text_field


async def commit(backend: Backend, call: Call) -> Answer:
    """Run a transaction."""
    listed = call.fields().get("operations")
    if not isinstance(listed, list):
        raise DirectRefusalError(400, "operations array required")
    if not listed:
        raise DirectRefusalError(400, "operations array cannot be empty")
    operations = [operation for entry in listed for operation in _read(entry)]
    answer: TransactionAnswer = {"success": True, "transactionId": identifiers.random()}
    try:
        done = await backend.store.run(lambda tx: transactions.commit(tx, operations))
    except RolledBackError as failure:
        done = failure.done
        answer["success"] = False
        answer["error"] = failure.error
    answer["results"] = [_result(index, entry) for index, entry in enumerate(done)]
    return database(answer)


ROUTES: RouteTable = [("POST", "/api/v1/transaction", commit)]


def _read(entry: object) -> List[Operation]:
    if not isinstance(entry, dict):
        raise DirectRefusalError(500, "[json.exception.type_error.306] the body is no object")
    fields = cast("Dict[str, object]", entry)
    kind = fields.get("type")
    if "type" in fields and not isinstance(kind, str):
        raise DirectRefusalError(500, "[json.exception.type_error.302] type must be string")
    if kind == "push":
        return _read_pushes(fields)
    if kind == "ack":
        return [_read_ack(fields)]
    return [Unknown(cast("Optional[str]", kind))]


def _read_pushes(fields: Dict[str, object]) -> List[Operation]:
    if "items" not in fields:
        payload = fields["payload"] if "payload" in fields else fields.get("data", {})
        return [_read_item(fields, payload)]
    items = fields["items"]
    if not isinstance(items, list):
        raise DirectRefusalError(500, "[json.exception.type_error.302] type must be array")
    return [_read_item(item, item.get("payload", {}) if isinstance(item, dict) else {}) for item in items]


def _read_item(item: object, payload: object) -> Operation:
    fields = cast("Dict[str, object]", item) if isinstance(item, dict) else {}
    for key in ("queue", "partition"):
        if key in fields and not isinstance(fields[key], str):
            raise DirectRefusalError(500, "[json.exception.type_error.302] type must be string")
    if "queue" not in fields:
        return Unstorable('null value in column "queue" violates not-null constraint')
    return Item(
        queue=text_field(fields, "queue", ""),
        partition=text_field(fields, "partition", DEFAULT_PARTITION),
        payload=payload,
        transaction_id=casts.text(fields.get("transactionId")),
        trace_id=casts.text(fields.get("traceId")),
    )


def _read_ack(fields: Dict[str, object]) -> Ack:
    return Ack(
        transaction_id=casts.text(fields.get("transactionId")) or "",
        partition_id=casts.text(fields.get("partitionId")) or "",
        lease_id=casts.text(fields.get("leaseId")),
        status=casts.text(fields.get("status")) or "completed",
        group=text_field(fields, "consumerGroup", QUEUE_MODE),
        error=casts.text(fields.get("error")) or "Unknown error",
    )


def _result(index: int, done: Done) -> TransactionResult:
    if isinstance(done, Stored):
        return {
            "index": index,
            "type": "push",
            "success": True,
            "transactionId": done.transaction_id,
            "messageId": done.message,
            "partitionId": done.partition,
            "queueName": done.item.queue,
        }
    if isinstance(done, AckDone):
        return {
            "index": index,
            "type": "ack",
            "success": not done.refused,
            "transactionId": done.ack.transaction_id or None,
            "error": done.error,
            "dlq": done.dlq,
        }
    shown = "null" if done.type is None else done.type
    return {"index": index, "type": done.type, "success": False, "error": f"Unknown operation type: {shown}"}
