"""Acks, one or many."""

from __future__ import annotations

from typing import Dict, List, cast

from queen_api.models import BatchAckAnswer, SingleAckAnswer
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.failures import DatabaseRefusalError, DirectRefusalError
from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.fields import text_field
from queen.broker.v07.answers import answered, query_failed
from queen.broker.v07.domain import acks, batch_acks
from queen.broker.v07.domain.acks import Ack
from queen.broker.v07.domain.batch_acks import BatchAck, BatchRefusedError
from queen.broker.v07.fields import mistyped, refusal, text

_DEFAULT_ERROR: Final = "Message processing failed"


async def ack(backend: Backend, call: Call) -> Answer:
    """Acknowledge one message."""
    fields = call.fields()
    for key, complaint in (
        ("transactionId", "transactionId is required"),
        ("partitionId", "partitionId is required to ensure message uniqueness"),
    ):
        if not isinstance(fields.get(key), str):
            raise refusal(complaint)
    lease_id = fields.get("leaseId")
    wanted = Ack(
        transaction_id=text_field(fields, "transactionId", ""),
        partition_id=text_field(fields, "partitionId", ""),
        status=text_field(fields, "status", "completed"),
        group=text_field(fields, "consumerGroup", QUEUE_MODE),
        error=text_field(fields, "error", _DEFAULT_ERROR),
        lease_id=lease_id if isinstance(lease_id, str) else None,
    )
    outcome = await backend.store.run(lambda tx: acks.acknowledge(tx, wanted))
    if outcome not in acks.APPLIED:
        raise refusal(f"Failed to acknowledge message: {outcome}")
    answer: SingleAckAnswer = {
        "transactionId": wanted.transaction_id,
        "status": outcome,
        "consumerGroup": None if wanted.group == QUEUE_MODE else wanted.group,
        "acknowledgedAt": timestamps.milli(backend.clock.now()),
    }
    return answered(answer)


async def ack_batch(backend: Backend, call: Call) -> Answer:
    """Acknowledge several messages, all or none."""
    fields = call.fields()
    listed = fields.get("acknowledgments")
    if not isinstance(listed, list):
        raise refusal("acknowledgments array is required")
    entries = [_checked(entry) for entry in listed]
    if not entries:
        return answered(_batch_answer([]))
    group = text_field(fields, "consumerGroup", QUEUE_MODE)
    try:
        wanted = [_read(entry) for entry in entries]
        partition = text(entries[0], "partitionId", "")
        outcomes = await backend.store.run(lambda tx: batch_acks.acknowledge(tx, partition, group, wanted))
    except (BatchRefusedError, DirectRefusalError) as failure:
        return answered(_batch_failed(len(entries), failure.text))
    except DatabaseRefusalError as failure:
        return answered(_batch_failed(len(entries), query_failed(failure)))
    return answered(_batch_answer(outcomes))


ROUTES: RouteTable = [("POST", "/api/v1/ack", ack), ("POST", "/api/v1/ack/batch", ack_batch)]


def _checked(entry: object) -> Dict[str, object]:
    fields = cast("Dict[str, object]", entry) if isinstance(entry, dict) else {}
    for key, complaint in (
        ("transactionId", "Each acknowledgment must have a valid transactionId string"),
        ("partitionId", "Each acknowledgment must have a valid partitionId string to ensure message uniqueness"),
    ):
        if not isinstance(fields.get(key), str):
            raise refusal(complaint)
    return fields


def _read(fields: Dict[str, object]) -> BatchAck:
    error = fields.get("error")
    if "error" in fields and not isinstance(error, str):
        raise mistyped("string", error)
    return BatchAck(
        transaction_id=text(fields, "transactionId", ""),
        status=text(fields, "status", "completed"),
        error=error if isinstance(error, str) else None,
    )


def _batch_answer(outcomes: List[str]) -> BatchAckAnswer:
    return {
        "successful": len(outcomes),
        "failed": 0,
        "results": [{"success": True, "message": outcome} for outcome in outcomes],
    }


def _batch_failed(count: int, error: str) -> BatchAckAnswer:
    return {
        "successful": 0,
        "failed": count,
        "results": [{"success": False, "message": "batch_failed", "error": error} for _ in range(count)],
    }
