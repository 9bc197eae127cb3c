"""Transactions."""

from __future__ import annotations

import json
from typing import Dict, List, Optional, Set, Tuple, Union

from queen_api.models import TransactionAnswer, TransactionPushResult, TransactionResult
from typing_extensions import Final, TypeAlias

from queen.broker import identifiers
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.pushing import Item
from queen.broker.domain.queues import DEFAULT_PARTITION
from queen.broker.domain.subscriptions import Wish
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import acks, claims, transactions
from queen.broker.v07.domain.acks import Ack
from queen.broker.v07.domain.claims import Popped, PopRequest
from queen.broker.v07.domain.subscriptions import Source
from queen.broker.v07.domain.transactions import (
    Acked,
    Done,
    Impossible,
    Operation,
    Push,
    Pushed,
    RolledBackError,
    StoredItem,
)
from queen.broker.v07.fields import boolean, integer, object_of, optional_text, refusal, text

_DEFAULT_ERROR: Final = "Message processing failed"

_Read: TypeAlias = Union[Push, Ack, PopRequest, Impossible]


async def commit(backend: Backend, call: Call) -> Answer:
    """Run a transaction."""
    listed = call.fields().get("operations")
    if not isinstance(listed, list):
        raise refusal("operations array required")
    if not listed:
        raise refusal("operations array cannot be empty")
    read, ending = _read(listed)
    operations = await _with_pops(backend, read)
    answer: TransactionAnswer = {"success": True, "transactionId": identifiers.time_ordered(backend.clock.now())}
    try:
        done = await backend.store.run(lambda tx: transactions.commit(tx, operations, ending))
    except RolledBackError as failure:
        done = failure.done
        answer["success"] = False
        if failure.error is not None:
            answer["error"] = failure.error
    answer["results"] = [_result(entry) for entry in done]
    return answered(answer)


ROUTES: RouteTable = [("POST", "/api/v1/transaction", commit)]


def _read(listed: List[object]) -> Tuple[List[_Read], Optional[str]]:
    """The operations up to the first that cannot be read, and why it cannot."""
    read: List[_Read] = []
    for entry in listed:
        try:
            read.append(_read_operation(object_of(entry)))
        except DirectRefusalError as failure:
            return read, failure.text
    return read, None


def _read_operation(fields: Dict[str, object]) -> _Read:
    kind = text(fields, "type", "")
    if kind == "push":
        items = fields.get("items")
        if not isinstance(items, list):
            return Impossible("push", "items array required for push operation")
        return Push([_read_item(object_of(item)) for item in items])
    if kind == "ack":
        return Ack(
            transaction_id=text(fields, "transactionId", ""),
            partition_id=text(fields, "partitionId", ""),
            status=text(fields, "status", "completed"),
            group=text(fields, "consumerGroup", QUEUE_MODE),
            error=text(fields, "error", _DEFAULT_ERROR),
        )
    if kind == "pop":
        return PopRequest(
            source=Source(text(fields, "queue", ""), optional_text(fields, "partition")),
            group=text(fields, "consumerGroup", QUEUE_MODE),
            batch=integer(fields, "batch", 1),
            auto_ack=boolean(fields, "autoAck", False),
            wish=Wish("", ""),
        )
    return Impossible("unknown", f"Unknown operation type: {kind}")


def _read_item(fields: Dict[str, object]) -> Item:
    return Item(
        queue=text(fields, "queue", ""),
        partition=text(fields, "partition", DEFAULT_PARTITION),
        payload=fields["data"] if "data" in fields else fields.get("payload"),
        transaction_id=optional_text(fields, "transactionId"),
        trace_id=optional_text(fields, "traceId"),
    )


async def _with_pops(backend: Backend, read: List[_Read]) -> List[Operation]:
    """Run the pops, each by itself: they see nothing of the transaction, and are not rolled back with it.

    A partition that an ack before has touched is locked to them. The server waits ten seconds to find that out.
    """
    operations: List[Operation] = []
    touched: List[Ack] = []
    for entry in read:
        if isinstance(entry, PopRequest):
            locked = {ack.partition_id.lower() for ack in touched if ack.group == entry.group}
            operations.append(await _pop(backend, entry, locked))
        else:
            operations.append(entry)
            if isinstance(entry, Ack):
                touched.append(entry)
    return operations


async def _pop(backend: Backend, request: PopRequest, locked: Set[str]) -> Popped:
    return await backend.store.run(lambda tx: claims.pop(tx, request, locked))


def _result(done: Done) -> TransactionResult:
    if isinstance(done, Pushed):
        return {"type": "push", "count": len(done.items), "results": [_item_result(item) for item in done.items]}
    if isinstance(done, Acked):
        result: TransactionResult = {"type": "ack", "success": done.outcome in acks.APPLIED, "message": done.outcome}
        if done.error is not None:
            result["error"] = done.error
        return result
    if isinstance(done, Popped):
        return _pop_result(done)
    return {"type": done.type, "error": done.error}


def _item_result(item: StoredItem) -> TransactionPushResult:
    if item.message is not None:
        return {"status": "queued", "transactionId": item.transaction_id, "messageId": item.message}
    return {"status": "failed", "transactionId": item.transaction_id, "error": item.error or ""}


def _pop_result(popped: Popped) -> TransactionResult:
    result: TransactionResult = {"type": "pop", "messages": []}
    if popped.lease_id is not None:
        result["leaseId"] = popped.lease_id
    for row in popped.messages:
        message = {
            "id": row["uuid"],
            "transactionId": row["transaction_id"],
            "partitionId": popped.partition_uuid,
            "payload": json.loads(row["payload"]),
            "queueName": popped.queue,
            "partitionName": popped.partition,
        }
        if row["trace_id"] is not None:
            message["traceId"] = row["trace_id"]
        result["messages"].append(message)
    return result
