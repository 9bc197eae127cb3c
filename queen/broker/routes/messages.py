"""Push, and single messages."""

from __future__ import annotations

import json
from typing import Dict, List, Mapping, Optional, cast

from queen_api.models import DeleteMessageAnswer, MessageDetail, PushResult

from queen.broker import identifiers, timestamps
from queen.broker.domain import held_pushes, maintenance, messages, pushing
from queen.broker.domain.message_lists import Mode
from queen.broker.domain.messages import Detail
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.domain.pushing import Item, Stored
from queen.broker.domain.queues import DEFAULT_PARTITION
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, Call, database, direct
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.message_lists import mode_shown
from queen.broker.store.database import Transaction

_TEXT_FIELDS = (
    ("partition", "Partition must be a string"),
    ("queue", "Queue must be a string"),
    ("transactionId", "TransactionId must be a string"),
    ("traceId", "TraceId must be a string"),
)


async def push(backend: Backend, call: Call) -> Answer:
    """Store messages, or hold them back. What cannot be stored is answered ``buffered``, as the server does."""
    listed = call.fields().get("items")
    if not isinstance(listed, list):
        raise DirectRefusalError(400, "items array is required")
    items = [read_item(item) for item in listed]
    if not items:
        return direct([], 201)

    def work(tx: Transaction) -> Optional[List[Stored]]:
        if not maintenance.is_on(tx, maintenance.Mode.PUSH):
            return pushing.push(tx, items)
        for item in items:
            held_pushes.hold(tx, item, item.transaction_id or identifiers.random())
        return None

    try:
        stored = await backend.store.run(work)
    except DatabaseRefusalError:
        buffered: List[PushResult] = [{"status": "buffered", "queue": item.queue} for item in items]
        return database(buffered)
    if stored is None:
        return direct([_held(item) for item in items], 201)
    return database([push_result(index, result) for index, result in enumerate(stored)])


async def get_message(backend: Backend, call: Call) -> Answer:
    """One message with its payload and where each group stands."""
    partition, transaction = call.path["partitionId"], call.path["transactionId"]
    found = await backend.store.run(lambda tx: messages.detail(tx, partition, transaction))
    return database({"error": "Message not found"} if found is None else _detail(found))


async def delete_message(backend: Backend, call: Call) -> Answer:
    """Delete one message."""
    partition, transaction = call.path["partitionId"], call.path["transactionId"]
    deleted = await backend.store.run(lambda tx: messages.delete(tx, partition, transaction))
    answer: DeleteMessageAnswer = {
        "success": deleted,
        "partitionId": partition,
        "transactionId": transaction,
        "message": "Message deleted successfully" if deleted else "Message not found",
    }
    return database(answer)


def read_item(item: object) -> Item:
    """A pushed item, checked as the server checks it.

    Raises:
        DirectRefusalError: a field of the wrong type.
    """
    fields = cast("Dict[str, object]", item) if isinstance(item, dict) else {}
    texts: Dict[str, Optional[str]] = {}
    for key, complaint in _TEXT_FIELDS:
        value = fields.get(key)
        if not isinstance(value, str) and (key in fields or key == "queue"):
            raise DirectRefusalError(400, complaint)
        texts[key] = value if isinstance(value, str) else None
    partition = texts["partition"]
    return Item(
        queue=texts["queue"] or "",
        partition=DEFAULT_PARTITION if partition is None else partition,
        payload=fields.get("payload"),
        transaction_id=texts["transactionId"],
        trace_id=texts["traceId"],
    )


def push_result(index: int, stored: Stored) -> PushResult:
    """What became of a pushed item, as its answer tells it."""
    result: PushResult = {
        "index": index,
        "status": "duplicate" if stored.duplicate else "queued",
        "transaction_id": stored.transaction_id,
        "message_id": stored.message,
        "queueName": stored.item.queue,
    }
    if not stored.duplicate:
        result["partition_id"] = stored.partition
        result["trace_id"] = stored.trace_id
    return result


ROUTES: RouteTable = [
    ("POST", "/api/v1/push", push),
    ("GET", "/api/v1/messages/{partitionId}/{transactionId}", get_message),
    ("DELETE", "/api/v1/messages/{partitionId}/{transactionId}", delete_message),
]


def _held(item: Item) -> PushResult:
    result: PushResult = {"status": "buffered", "queue": item.queue, "partition": item.partition}
    if item.transaction_id is not None:
        result["transactionId"] = item.transaction_id
    return result


def _detail(found: Detail) -> MessageDetail:
    message, queue, letter = found.message, found.queue, found.dead_letter
    own = found.queue_mode
    others = [row for row in found.groups if row["consumer_group"] != QUEUE_MODE]
    names: Mapping[str, int] = {name: int(queue.options[name]) for name in queue.options}
    mode = Mode(own is not None, len(others))
    return {
        "id": message["uuid"],
        "transactionId": message["transaction_id"],
        "partitionId": message["partition_uuid"],
        "queuePath": f"{queue.name}/{message['partition']}",
        "queue": queue.name,
        "partition": message["partition"],
        "namespace": queue.namespace,
        "task": queue.task,
        "status": found.status,
        "payload": json.loads(message["payload"]),
        "isEncrypted": False,
        "traceId": message["trace_id"],
        "producerSub": None,
        "createdAt": timestamps.milli(message["created_at"]),
        "errorMessage": letter["error"] if letter is not None else None,
        "retryCount": letter["retry_count"] if letter is not None else None,
        "leaseExpiresAt": timestamps.optional_milli(own["lease_until"]) if own is not None else None,
        "queueConfig": {
            "leaseTime": names["leaseTime"],
            "retryLimit": names["retryLimit"],
            "retryDelay": names["retryDelay"],
            "ttl": names["ttl"],
            "priority": names["priority"],
        },
        "mode": {
            **mode_shown(mode),
            "consumedByGroups": sum(found.consumed_by(row) for row in others),
        },
        "consumerGroups": [
            {
                "name": row["consumer_group"],
                "consumed": found.consumed_by(row),
                "leaseExpiresAt": timestamps.optional_milli(row["lease_until"]),
            }
            for row in found.groups
        ],
    }
