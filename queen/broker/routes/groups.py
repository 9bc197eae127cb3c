"""Consumer groups."""

from __future__ import annotations

import sqlite3
from typing import Dict, Optional

from queen_api.models import (
    DeleteGroupAnswer,
    GroupDetail,
    GroupSummary,
    LaggingPartition,
    SeekAnswer,
    SeekPartitionAnswer,
    SubscriptionAnswer,
)
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import groups, subscriptions
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable

# A group whose newest unread message is older counts as lagging.
_LAGGING_SECONDS: Final = 300
_DEFAULT_MINIMUM_LAG: Final = 3600


async def list_groups(backend: Backend, call: Call) -> Answer:
    """All groups, by queue."""
    rows = await backend.store.run(groups.listing)
    now = backend.clock.now()
    return database([_summary(row, now) for row in rows])


async def list_lagging(backend: Backend, call: Call) -> Answer:
    """Partitions whose oldest unread message is older than so many seconds, the oldest first."""
    text = call.query.string("minLagSeconds")
    try:
        minimum = int(text) if text else _DEFAULT_MINIMUM_LAG
    except ValueError:
        raise DirectRefusalError(500, "stoi") from None
    rows = await backend.store.run(lambda tx: groups.unread(tx, None))
    now = backend.clock.now()
    lagging = [row for row in rows if row["unread"] and _age(row["oldest"], now) > minimum]
    lagging.sort(key=lambda row: int(row["oldest"]))
    return database([_lag(row, now) for row in lagging])


async def get_group(backend: Backend, call: Call) -> Answer:
    """Where one group stands."""
    group = call.path["group"]
    rows = await backend.store.run(lambda tx: groups.unread(tx, group))
    now = backend.clock.now()
    detail: GroupDetail = {}
    for row in rows:
        partitions = detail.setdefault(row["queue"], {"partitions": []})["partitions"]
        partitions.append(
            {
                "partition": row["partition"],
                "workerId": row["lease_id"],
                "lastConsumedAt": timestamps.optional_milli(row["last_consumed_at"]),
                "totalConsumed": row["consumed_total"],
                "offsetLag": row["unread"],
                "timeLagSeconds": _age(row["oldest"], now),
                "leaseActive": row["lease_until"] is not None and row["lease_until"] > now,
            }
        )
    return database(detail)


async def delete_group(backend: Backend, call: Call) -> Answer:
    """Delete a group everywhere."""
    return await _delete(backend, call, None)


async def delete_group_for_queue(backend: Backend, call: Call) -> Answer:
    """Delete a group on one queue."""
    return await _delete(backend, call, call.path["queue"])


async def update_subscription(backend: Backend, call: Call) -> Answer:
    """Change the time from which a subscribed group reads."""
    fields = call.fields()
    if "subscriptionTimestamp" not in fields:
        raise DirectRefusalError(400, "Missing subscriptionTimestamp in request body")
    timestamp = fields["subscriptionTimestamp"]
    if not isinstance(timestamp, str):
        raise DirectRefusalError(500, "[json.exception.type_error.302] type must be string")
    group = call.path["group"]
    updated = await backend.store.run(lambda tx: subscriptions.update(tx, group, timestamp))
    answer: SubscriptionAnswer = {
        "success": True,
        "consumerGroup": group,
        "newTimestamp": timestamp,
        "rowsUpdated": updated,
    }
    return database(answer)


async def seek_group(backend: Backend, call: Call) -> Answer:
    """Move a group's cursors on a queue."""
    value = call.json()
    if not isinstance(value, dict):
        raise DirectRefusalError(500, "[json.exception.type_error.306] the body is no object")
    fields: Dict[str, object] = value
    to_end, timestamp = fields.get("toEnd", False), fields.get("timestamp", "")
    if not isinstance(to_end, bool) or not isinstance(timestamp, str):
        raise DirectRefusalError(500, "[json.exception.type_error.302] type must be boolean or string")
    if not to_end and not timestamp:
        raise DirectRefusalError(400, "Must specify either 'toEnd': true or 'timestamp'")
    group, queue = call.path["group"], call.path["queue"]
    moment = None if to_end else timestamps.read(timestamp, backend.clock.now())
    moved = await backend.store.run(lambda tx: groups.seek(tx, group, queue, moment))
    answer: SeekAnswer = {
        "success": True,
        "consumerGroup": group,
        "queueName": queue,
        "seekToEnd": to_end,
        "targetTimestamp": timestamps.optional_milli(moment),
        "partitionsUpdated": moved,
    }
    return database(answer)


async def seek_partition(backend: Backend, call: Call) -> Answer:
    """Move a group's cursor on one partition to the end."""
    group, queue, partition = call.path["group"], call.path["queue"], call.path["partition"]
    found = await backend.store.run(lambda tx: groups.seek_partition(tx, group, queue, partition))
    if found is None:
        return database({"success": False, "error": "Partition not found"})
    known, newest_at = found
    answer: SeekPartitionAnswer = {
        "success": True,
        "consumerGroup": group,
        "queueName": queue,
        "partitionName": partition,
        "updated": known,
        "cursorMovedTo": timestamps.optional_milli(newest_at),
    }
    return database(answer)


ROUTES: RouteTable = [
    ("GET", "/api/v1/consumer-groups", list_groups),
    ("GET", "/api/v1/consumer-groups/lagging", list_lagging),
    ("GET", "/api/v1/consumer-groups/{group}", get_group),
    ("DELETE", "/api/v1/consumer-groups/{group}", delete_group),
    ("DELETE", "/api/v1/consumer-groups/{group}/queues/{queue}", delete_group_for_queue),
    ("POST", "/api/v1/consumer-groups/{group}/subscription", update_subscription),
    ("POST", "/api/v1/consumer-groups/{group}/queues/{queue}/seek", seek_group),
    ("POST", "/api/v1/consumer-groups/{group}/queues/{queue}/partitions/{partition}/seek", seek_partition),
]


async def _delete(backend: Backend, call: Call, queue: Optional[str]) -> Answer:
    group, forget = call.path["group"], call.query.boolean("deleteMetadata", True)
    deleted = await backend.store.run(lambda tx: groups.delete(tx, group, queue, forget=forget))
    answer: DeleteGroupAnswer = {
        "success": True,
        "consumerGroup": group,
        "deletedPartitions": deleted,
        "metadataDeleted": forget,
    }
    if queue is not None:
        answer["queueName"] = queue
    return database(answer)


def _summary(row: sqlite3.Row, now: int) -> GroupSummary:
    lag = _age(row["oldest_newest_at"], now) if row["lagging"] else 0
    state = "Lagging" if lag > _LAGGING_SECONDS else "Stable" if row["last_consumed_at"] is not None else "Dead"
    return {
        "name": row["name"],
        "topics": [row["queue"]],
        "queueName": row["queue"],
        "members": row["members"],
        "partitionsWithLag": row["lagging"],
        "totalLag": None,
        "maxTimeLag": lag,
        "state": state,
        "subscriptionMode": row["mode"],
        "subscriptionTimestamp": timestamps.optional_milli(row["starts_at"]),
        "subscriptionCreatedAt": timestamps.optional_milli(row["subscribed_at"]),
    }


def _lag(row: sqlite3.Row, now: int) -> LaggingPartition:
    seconds = _age(row["oldest"], now)
    holds = row["lease_until"] is not None and row["lease_until"] > now
    return {
        "consumer_group": row["consumer_group"],
        "queue_name": row["queue"],
        "partition_name": row["partition"],
        "partition_id": row["partition_uuid"],
        "worker_id": row["lease_id"] if holds else None,
        "offset_lag": row["unread"],
        "time_lag_seconds": seconds,
        "lag_hours": round(seconds / 3600, 2),
        "oldest_unconsumed_at": timestamps.milli(row["oldest"]),
        "last_consumed_at": timestamps.optional_milli(row["last_consumed_at"]),
    }


def _age(moment: Optional[int], now: int) -> int:
    return 0 if moment is None else max(0, round((now - moment) / 1e6))
