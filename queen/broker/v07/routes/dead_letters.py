"""Dead letters."""

from __future__ import annotations

import sqlite3
from typing import Optional, cast

from queen_api.models import DeadLetter, DeadLetterList
from queen_api.request import JsonValue
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.http import Answer, Call
from queen.broker.paging import page_of
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import dead_letters
from queen.broker.v07.domain.dead_letters import Wanted
from queen.broker.v07.payloads import altered

_LIMIT: Final = 100


async def list_dead_letters(backend: Backend, call: Call) -> Answer:
    """Dead letters, page by page."""
    query, now = call.query, backend.clock.now()

    def moment(name: str) -> Optional[int]:
        text = query.string(name)
        return timestamps.read(text, now) if text else None

    page = page_of(query, _LIMIT)
    wanted = Wanted(
        queue=query.string("queue"),
        group=query.string("consumerGroup"),
        partition=query.string("partition"),
        since=moment("from"),
        until=moment("to"),
    )
    rows, total = await backend.store.run(lambda tx: dead_letters.listing(tx, wanted, page))
    answer: DeadLetterList = {
        "messages": [_dead_letter(row) for row in rows],
        "total": total,
        "limit": page.limit,
        "offset": page.offset,
    }
    return answered(answer)


ROUTES: RouteTable = [("GET", "/api/v1/dlq", list_dead_letters)]


def _dead_letter(row: sqlite3.Row) -> DeadLetter:
    created_at = timestamps.postgres(row["created_at"])
    letter: DeadLetter = {
        "id": row["uuid"],
        "messageId": row["message_uuid"],
        "transactionId": row["transaction_id"],
        "partitionId": row["partition_uuid"],
        "partitionName": row["partition"],
        "queueName": row["queue"],
        "namespace": row["namespace"],
        "task": row["task"],
        "consumerGroup": row["consumer_group"],
        "errorMessage": row["error"],
        "retryCount": 0,
        "data": cast(JsonValue, altered(row["payload"])),
        "originalCreatedAt": created_at,
        "messageCreatedAt": created_at,
        "movedToDlqAt": timestamps.postgres(row["failed_at"]),
    }
    if row["trace_id"] is not None:
        letter["traceId"] = row["trace_id"]
    return letter
