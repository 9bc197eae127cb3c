"""Messages: listed, looked at, deleted."""

from __future__ import annotations

from queen_api.models import DeleteMessageAnswer
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import messages as shared_messages
from queen.broker.domain.message_lists import Mode
from queen.broker.http import Answer, Call
from queen.broker.paging import page_of
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.message_lists import listed, mode_shown, options_of, wanted_of
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import messages
from queen.broker.v07.fields import refusal
from queen.broker.v07.payloads import altered
from queen.broker.v07.time_ranges import range_of

_LIMIT: Final = 200
_SHOWN_OPTIONS: Final = ("leaseTime", "retryLimit", "retryDelay", "ttl", "priority")


async def list_messages(backend: Backend, call: Call) -> Answer:
    """Messages of a time with their status, without payloads."""
    query, now = call.query, backend.clock.now()
    page, wanted_range = page_of(query, _LIMIT), range_of(query, now)
    wanted = wanted_of(query, wanted_range.since(now), wanted_range.until(now))
    rows, mode = await backend.store.run(lambda tx: messages.listing(tx, wanted, page))
    shown = [{**listed(row, timestamps.postgres), "queuePriority": options_of(row)["priority"]} for row in rows]
    return answered({"messages": shown, "mode": mode_shown(mode)})


async def get_message(backend: Backend, call: Call) -> Answer:
    """One message with its payload."""
    partition, transaction = call.path["partitionId"], call.path["transactionId"]
    row = await backend.store.run(lambda tx: messages.find(tx, partition, transaction))
    if row is None:
        raise refusal("Message not found")
    options = options_of(row)
    detail = {
        **listed(row, timestamps.postgres),
        "payload": altered(row["payload"]),
        "mode": mode_shown(Mode(bool(row["queue_mode"]), row["bus_groups"])),
        "errorMessage": row["error"],
        "retryCount": None if row["error"] is None else 0,
        "queueConfig": {name: options[name] for name in _SHOWN_OPTIONS},
    }
    return answered(detail)


async def delete_message(backend: Backend, call: Call) -> Answer:
    """Delete one message; one that there is not too."""
    partition, transaction = call.path["partitionId"], call.path["transactionId"]
    await backend.store.run(lambda tx: shared_messages.delete(tx, partition, transaction))
    answer: DeleteMessageAnswer = {
        "success": True,
        "message": "Message deleted successfully",
        "partitionId": partition,
        "transactionId": transaction,
    }
    return answered(answer)


ROUTES: RouteTable = [
    ("GET", "/api/v1/messages", list_messages),
    ("GET", "/api/v1/messages/{partitionId}/{transactionId}", get_message),
    ("DELETE", "/api/v1/messages/{partitionId}/{transactionId}", delete_message),
]
