"""Acks, one or many."""

from __future__ import annotations

from typing import Dict, cast

from queen_api.models import AckResult

from queen.broker.domain import acks, casts
from queen.broker.domain.acks import Ack, AckOutcome
from queen.broker.domain.names import QUEUE_MODE
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Answer, Call, database, direct
from queen.broker.routes.endpoint import Backend, Endpoint, RouteTable
from queen.broker.routes.fields import text_field


async def ack(backend: Backend, call: Call) -> Answer:
    """Acknowledge one message."""
    fields = call.fields()
    for key, complaint in (
        ("transactionId", "transactionId is required"),
        ("partitionId", "partitionId is required to ensure message uniqueness"),
    ):
        if not isinstance(fields.get(key), str):
            raise DirectRefusalError(400, complaint)
    wanted = Ack(
        transaction_id=text_field(fields, "transactionId", ""),
        partition_id=text_field(fields, "partitionId", ""),
        lease_id=text_field(fields, "leaseId", ""),
        status=text_field(fields, "status", "completed"),
        group=text_field(fields, "consumerGroup", QUEUE_MODE),
        error=text_field(fields, "error", ""),
    )
    outcomes = await backend.store.run(lambda tx: acks.acknowledge(tx, [wanted]))
    return database([_result(index, outcome) for index, outcome in enumerate(outcomes)])


def ack_batch(*, skipping: bool) -> Endpoint:
    """Acknowledge several messages.

    Args:
        skipping: whether acks behind a failure of their partition count, as on server 0.15, or are refused.
    """

    async def endpoint(backend: Backend, call: Call) -> Answer:
        fields = call.fields()
        listed = fields.get("acknowledgments")
        if not isinstance(listed, list):
            raise DirectRefusalError(400, "acknowledgments array is required")
        group = text_field(fields, "consumerGroup", QUEUE_MODE)
        wanted = [_read(entry, group) for entry in listed]
        if not wanted:
            # The server never answers this.
            return direct([])
        outcomes = await backend.store.run(lambda tx: acks.acknowledge(tx, wanted, skipping=skipping))
        return database([_result(index, outcome) for index, outcome in enumerate(outcomes)])

    return endpoint


_SINGLE: RouteTable = [("POST", "/api/v1/ack", ack)]
ROUTES: RouteTable = [*_SINGLE, ("POST", "/api/v1/ack/batch", ack_batch(skipping=False))]
EXACT_ROUTES: RouteTable = [*_SINGLE, ("POST", "/api/v1/ack/batch", ack_batch(skipping=True))]


def _read(entry: object, group: str) -> Ack:
    fields = cast("Dict[str, object]", entry) if isinstance(entry, dict) else {}
    for key, complaint in (
        ("transactionId", "Each acknowledgment must have a valid transactionId string"),
        ("partitionId", "Each acknowledgment must have a valid partitionId string to ensure message uniqueness"),
    ):
        if not isinstance(fields.get(key), str):
            raise DirectRefusalError(400, complaint)
    return Ack(
        transaction_id=text_field(fields, "transactionId", ""),
        partition_id=text_field(fields, "partitionId", ""),
        lease_id=_as_text(fields.get("leaseId"), ""),
        status=_as_text(fields.get("status"), "completed"),
        group=group,
        error=_as_text(fields.get("error"), "Retries exhausted"),
    )


def _as_text(value: object, default: str) -> str:
    """Here the server turns values of other types into text."""
    text = casts.text(value)
    return default if text is None else text


def _result(index: int, outcome: AckOutcome) -> AckResult:
    return {
        "index": index,
        "transactionId": outcome.transaction_id,
        "success": outcome.success,
        "error": outcome.error,
        "queueName": outcome.queue,
        "partitionName": outcome.partition,
        "leaseReleased": outcome.lease_released,
        "dlq": outcome.dlq,
    }
