"""The state of the whole broker, and what went through it over time.

Requests, latencies, and what the process uses are not measured: zero, or null.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import List

import attrs
from queen_api.models import LeaseCounts, MessageSeries, QueueTraffic, Status, ThroughputPoint

from queen.broker import time_units, timestamps
from queen.broker.domain import counts, traffic
from queen.broker.domain.counts import Freshness
from queen.broker.domain.traffic import Scope, Traffic
from queen.broker.http import Answer, Call, Query, database
from queen.broker.routes.counted import message_counts
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.points import point
from queen.broker.store.database import Transaction
from queen.broker.time_spans import Span, span_of


@attrs.frozen
class _Status:
    """What the status shows."""

    traffic: Traffic
    queues: List[sqlite3.Row]
    totals: sqlite3.Row
    leases: sqlite3.Row
    dead_letters: int


async def get_status(freshness: Freshness, backend: Backend, call: Call) -> Answer:
    """What went through the broker in a time, and its counts, leases and dead letters now."""
    query, now = call.query, backend.clock.now()
    span, scope = span_of(query, now), scope_of(query)
    minutes = span.bucket_minutes()
    width = minutes * time_units.MINUTE
    found = await backend.store.run(lambda tx: _read(tx, freshness, scope, span, width))
    points = [_point(found.traffic, moment, width) for moment in found.traffic.moments]
    dead_letters = found.dead_letters
    status: Status = {
        "timeRange": span.shown,
        "bucketMinutes": minutes,
        "pointCount": len(points),
        "throughput": points,
        "queues": [_queue(row) for row in found.queues],
        "messages": {
            **message_counts(found.totals),
            "processing": 0,
            "deadLetter": found.totals["dead_letters"],
            "requests": {"push": 0, "pop": 0, "ack": 0},
            "batchEfficiency": {"push": 0, "pop": 0, "ack": 0},
        },
        "leases": leases_shown(found.leases),
        "deadLetterQueue": {"totalMessages": dead_letters, "affectedPartitions": 0, "topErrors": []},
        "workers": [],
        "errors": {"dbErrors": 0, "ackFailed": 0, "dlqMessages": dead_letters},
        "statsAge": counts.age_of(found.totals, now),
    }
    return database(status)


async def get_analytics(backend: Backend, call: Call) -> Answer:
    """How many messages were stored in each piece of a time."""
    query, now = call.query, backend.clock.now()
    span, scope, unit = span_of(query, now, time_units.DAY), scope_of(query), query.string("interval") or "hour"
    moments = time_units.series(span.start, span.end, unit)
    width = time_units.resolution_of(unit)
    found = await backend.store.run(lambda tx: traffic.read(tx, scope, span.start, span.end, width))
    stored = found.cut(unit).stored
    series: MessageSeries = {
        "dataPoints": [
            {"timestamp": timestamps.milli(moment), "messages": stored.get(moment, 0)} for moment in moments
        ],
        "interval": unit,
        "from": span.shown["from"],
        "to": span.shown["to"],
    }
    return database(series)


def scope_of(query: Query) -> Scope:
    """Which queues a query string asks for."""
    return Scope(query.string("queue"), query.string("namespace"), query.string("task"))


def leases_shown(row: sqlite3.Row) -> LeaseCounts:
    """The leases in force, as answers have them."""
    return {
        "active": row["active"],
        "partitionsWithLeases": row["partitions"],
        "totalBatchSize": row["batches"],
        "totalAcked": row["acked"],
    }


def routes(freshness: Freshness) -> RouteTable:
    """The routes.

    Args:
        freshness: how new the counts are that they show.
    """
    return [
        ("GET", "/api/v1/status", partial(get_status, freshness)),
        ("GET", "/api/v1/status/analytics", get_analytics),
    ]


def _read(tx: Transaction, freshness: Freshness, scope: Scope, span: Span, width: int) -> _Status:
    return _Status(
        traffic=traffic.read(tx, scope, span.start, span.end, width),
        queues=traffic.queues(tx, scope),
        totals=counts.totals(tx, freshness),
        leases=traffic.leases(tx),
        dead_letters=tx.number("SELECT COUNT(*) FROM dead_letters"),
    )


def _point(found: Traffic, moment: int, width: int) -> ThroughputPoint:
    shown = point(found, moment, width, timestamps.second(moment))
    return {
        **shown,
        "popMessages": shown["processed"],
        "popPerSecond": shown["processedPerSecond"],
        "avgLagMs": 0,
        "maxLagMs": 0,
        "avgEventLoopLagMs": None,
        "maxEventLoopLagMs": None,
        "minFreeSlots": None,
        "dbErrors": None,
        "ackFailed": None,
        "dlqCount": None,
        "queenCpuUserPct": None,
        "queenCpuSysPct": None,
        "queenRssMb": None,
        "dbPoolActive": None,
        "dbPoolIdle": None,
        "dbPoolSize": None,
    }


def _queue(row: sqlite3.Row) -> QueueTraffic:
    return {
        "id": row["uuid"],
        "name": row["name"],
        "namespace": row["namespace"],
        "task": row["task"],
        "partitions": row["partitions"],
        "totalConsumed": row["consumed"],
    }
