"""Consumer groups."""

from __future__ import annotations

import re
import sqlite3
from typing import Optional

from queen_api.models import DeleteGroupAnswer, GroupDetail, GroupSummary, LaggingPartition, SubscriptionAnswer
from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import groups as shared_groups
from queen.broker.domain import subscriptions
from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import groups
from queen.broker.v07.fields import refusal, text

_LAGGING_SECONDS: Final = 300
_DEFAULT_MINIMUM_LAG: Final = 3600
_READABLE: Final = re.compile(r"\s*[+-]?\d")


async def list_groups(backend: Backend, call: Call) -> Answer:
    """All groups, by queue."""
    rows = await backend.store.run(groups.listing)
    now = backend.clock.now()
    return answered([_summary(row, now) for row in rows])


async def list_lagging(backend: Backend, call: Call) -> Answer:
    """Partitions whose oldest unread message is older than so many seconds, the oldest first."""
    given = call.query.string("minLagSeconds")
    if given and not _READABLE.match(given):
        raise refusal("stoi")
    minimum = call.query.integer("minLagSeconds", _DEFAULT_MINIMUM_LAG)
    rows = await backend.store.run(lambda tx: groups.unread(tx, None))
    now = backend.clock.now()
    lagging = [row for row in rows if row["unread"] and now - row["oldest"] > minimum * 1_000_000]
    lagging.sort(key=lambda row: int(row["oldest"]))
    return answered([_lag(row, now) for row in lagging])


async def get_group(backend: Backend, call: Call) -> Answer:
    """Where one group stands."""
    group = call.path["group"]
    rows = await backend.store.run(lambda tx: groups.unread(tx, group))
    now = backend.clock.now()
    detail: GroupDetail = {}
    for row in rows:
        detail.setdefault(row["queue"], {"partitions": []})["partitions"].append(
            {
                "partition": row["partition"],
                "workerId": row["lease_id"],
                "lastConsumedAt": timestamps.optional_postgres(row["last_consumed_at"]),
                "totalConsumed": row["consumed_total"],
                "offsetLag": row["unread"],
                "timeLagSeconds": _age(row["oldest"], now),
                # Also one that has run out, until a pop clears it.
                "leaseActive": row["lease_id"] is not None,
            }
        )
    return answered(detail)


async def delete_group(backend: Backend, call: Call) -> Answer:
    """Delete a group everywhere."""
    group, forget = call.path["group"], call.query.boolean("deleteMetadata", True)
    await backend.store.run(lambda tx: shared_groups.delete(tx, group, None, forget=forget))
    answer: DeleteGroupAnswer = {"success": True, "consumerGroup": group, "metadataDeleted": forget}
    return answered(answer)


async def update_subscription(backend: Backend, call: Call) -> Answer:
    """Change the time of a group's subscriptions: cursors that are there do not move, and the mode stays."""
    fields = call.fields()
    if "subscriptionTimestamp" not in fields:
        raise refusal("Missing subscriptionTimestamp in request body")
    group, timestamp = call.path["group"], text(fields, "subscriptionTimestamp", "")
    timestamps.read(timestamp, backend.clock.now())
    await backend.store.run(lambda tx: subscriptions.update(tx, group, timestamp))
    answer: SubscriptionAnswer = {"success": True, "consumerGroup": group, "subscriptionTimestamp": timestamp}
    return answered(answer)


ROUTES: RouteTable = [
    ("GET", "/api/v1/consumer-groups", list_groups),
    ("GET", "/api/v1/consumer-groups/lagging", list_lagging),
    ("GET", "/api/v1/consumer-groups/{group}", get_group),
    ("DELETE", "/api/v1/consumer-groups/{group}", delete_group),
    ("POST", "/api/v1/consumer-groups/{group}/subscription", update_subscription),
]


def _summary(row: sqlite3.Row, now: int) -> GroupSummary:
    lag = _age(row["oldest"], now)
    return {
        "name": row["name"],
        "queueName": row["queue"],
        "topics": [row["queue"]],
        "members": row["members"],
        "totalLag": row["unread"],
        "maxTimeLag": lag,
        "state": "Lagging" if lag > _LAGGING_SECONDS else "Stable",
        "subscriptionMode": row["mode"],
        "subscriptionTimestamp": timestamps.optional_postgres(row["starts_at"]),
        "subscriptionCreatedAt": timestamps.optional_postgres(row["subscribed_at"]),
    }


def _lag(row: sqlite3.Row, now: int) -> LaggingPartition:
    seconds = _age(row["oldest"], now)
    return {
        "consumer_group": row["consumer_group"],
        "queue_name": row["queue"],
        "partition_name": row["partition"],
        "partition_id": row["partition_uuid"],
        "worker_id": row["lease_id"],
        "offset_lag": row["unread"],
        "time_lag_seconds": seconds,
        "lag_hours": round(seconds / 3600, 2),
        "oldest_unconsumed_at": timestamps.postgres(row["oldest"]),
        "last_consumed_at": timestamps.optional_postgres(row["last_consumed_at"]),
    }


def _age(moment: Optional[int], now: int) -> int:
    return 0 if moment is None else max(0, now - moment) // 1_000_000
