"""Dead letters."""

from __future__ import annotations

import json

from queen_api.models import DeadLetterList

from queen.broker import timestamps
from queen.broker.domain import dead_letters
from queen.broker.http import Answer, Call, database
from queen.broker.paging import page_of
from queen.broker.routes.endpoint import Backend, RouteTable

_DEFAULT_LIMIT = 100


async def list_dead_letters(backend: Backend, call: Call) -> Answer:
    """All dead letters that match: on the server, paging passes over the one row that holds them all."""
    page = page_of(call.query, _DEFAULT_LIMIT)
    if page.offset > 0 or page.limit == 0:
        return database({"success": True, "value": None})
    queue, group = call.query.string("queue"), call.query.string("consumerGroup")
    rows = await backend.store.run(lambda tx: dead_letters.listing(tx, queue, group))
    answer: DeadLetterList = {
        "messages": [
            {
                "id": row["uuid"],
                "transactionId": row["transaction_id"],
                "partitionId": row["partition_uuid"],
                "queue": row["queue"],
                "partition": row["partition"],
                "consumerGroup": row["consumer_group"],
                "errorMessage": row["error"],
                "retryCount": row["retry_count"],
                "data": json.loads(row["payload"]),
                "producerSub": None,
                "createdAt": timestamps.milli(row["created_at"]),
                "failedAt": timestamps.milli(row["failed_at"]),
            }
            for row in rows
        ],
        "pagination": {"limit": page.limit, "offset": page.offset},
    }
    return database(answer)


ROUTES: RouteTable = [("GET", "/api/v1/dlq", list_dead_letters)]
