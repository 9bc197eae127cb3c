"""Push."""

from __future__ import annotations

from typing import List

from queen_api.models import PushResult

from queen.broker.domain.maintenance import Mode, is_on
from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.messages import read_item
from queen.broker.store.database import Transaction
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import maintenance, pushing
from queen.broker.v07.domain.pushing import Outcome
from queen.broker.v07.fields import refusal


async def push(backend: Backend, call: Call) -> Answer:
    """Store messages."""
    listed = call.fields().get("items")
    if not isinstance(listed, list):
        raise refusal("items array is required")
    items = [read_item(item) for item in listed]

    def work(tx: Transaction) -> List[Outcome]:
        if is_on(tx, Mode.PUSH):
            return maintenance.hold(tx, items)
        maintenance.drain(tx)
        return pushing.push(tx, items)

    outcomes = await backend.store.run(work)
    return answered([_result(outcome) for outcome in outcomes])


ROUTES: RouteTable = [("POST", "/api/v1/push", push)]


def _result(outcome: Outcome) -> PushResult:
    result: PushResult = {"status": outcome.status, "transaction_id": outcome.transaction_id}
    if outcome.message is not None:
        result["message_id"] = outcome.message
    if outcome.error is not None:
        result["error"] = outcome.error
    if outcome.status in ("queued", "buffered") and outcome.item.trace_id is not None:
        result["trace_id"] = outcome.item.trace_id
    return result
