"""Messages of a time, listed with their status."""

from __future__ import annotations

import json
import sqlite3
from typing import Callable, Dict, List, Mapping, Tuple, cast

from queen_api.models import ConsumptionMode
from typing_extensions import Final

from queen.broker import time_units, timestamps
from queen.broker.domain import message_lists
from queen.broker.domain.message_lists import Mode, Wanted
from queen.broker.domain.queues import DEFAULTS
from queen.broker.http import Answer, Call, Query, database
from queen.broker.paging import page_of
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.store.database import Transaction
from queen.broker.time_spans import span_of

_LIMIT: Final = 200


async def list_messages(backend: Backend, call: Call) -> Answer:
    """Messages of a time, the newest first, without payloads; the whole minute of its end is in it."""
    query = call.query
    page, span = page_of(query, _LIMIT), span_of(query, backend.clock.now())
    until = time_units.truncate(span.end, "minute") + time_units.MINUTE - 1
    wanted = wanted_of(query, span.start, until)

    def read(tx: Transaction) -> Tuple[List[sqlite3.Row], Mode]:
        return message_lists.listing(tx, wanted, page), message_lists.mode(tx, wanted)

    rows, mode = await backend.store.run(read)
    messages = [
        {**listed(row, timestamps.milli), "producerSub": None, "queuePriority": options_of(row)["priority"]}
        for row in rows
    ]
    return database({"messages": messages, "mode": mode_shown(mode)})


def wanted_of(query: Query, since: int, until: int) -> Wanted:
    """Which messages of a time a query string asks for.

    Args:
        query: the query string.
        since: where the time starts, in microseconds since 1970.
        until: where it ends.
    """
    return Wanted(
        queue=query.string("queue"),
        partition=query.string("partition"),
        namespace=query.string("ns"),
        task=query.string("task"),
        status=query.string("status"),
        since=since,
        until=until,
    )


def listed(row: sqlite3.Row, stamp: Callable[[int], str]) -> Dict[str, object]:
    """A message of a list, in what all dialects show of it.

    Args:
        row: the message.
        stamp: how times are written.
    """
    until = row["lease_until"]
    return {
        "id": row["uuid"],
        "transactionId": row["transaction_id"],
        "partitionId": row["partition_uuid"],
        "queuePath": f"{row['queue']}/{row['partition']}",
        "queue": row["queue"],
        "partition": row["partition"],
        "namespace": row["namespace"],
        "task": row["task"],
        "status": row["status"],
        "queueStatus": row["queue_status"],
        "busStatus": {"consumedBy": row["bus_consumed"], "totalGroups": row["bus_groups"]},
        "traceId": row["trace_id"],
        "createdAt": stamp(row["created_at"]),
        # That of queue mode, also when it has run out.
        "leaseExpiresAt": None if until is None else stamp(until),
    }


def options_of(row: sqlite3.Row) -> Mapping[str, int]:
    """The options of a message's queue."""
    return {**DEFAULTS, **cast("Mapping[str, int]", json.loads(row["options"]))}


def mode_shown(mode: Mode) -> ConsumptionMode:
    """Who consumes, as answers have it."""
    return {"hasQueueMode": mode.queue_mode, "busGroupsCount": mode.bus_groups, "type": mode.kind}


ROUTES: RouteTable = [("GET", "/api/v1/messages", list_messages)]
