"""The state of the whole broker, and what went through it over time."""

from __future__ import annotations

import sqlite3
from typing import List, Tuple

import attrs
from queen_api.models import QueueTraffic, ThroughputPoint
from typing_extensions import Final

from queen.broker import time_units, timestamps
from queen.broker.domain import traffic
from queen.broker.domain.traffic import Scope, Traffic
from queen.broker.http import Answer, Call
from queen.broker.routes.broker_status import leases_shown, scope_of
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.points import point
from queen.broker.store.database import Transaction
from queen.broker.time_spans import Span
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import counts, dead_letters, overview
from queen.broker.v07.domain.overview import Overview
from queen.broker.v07.routes.overview import messages_shown
from queen.broker.v07.time_ranges import range_of

_LONGEST_BUCKET: Final = 1440
_MOST_POINTS: Final = 100
# The server shows these as they are here, whatever happened.
_NO_AVERAGES: Final = {"avgIngestedPerSecond": 0, "avgProcessedPerSecond": 0}
_NO_FAILURES: Final = {"failed": 0, "rate": 0, "ratePercent": "0.00%"}


@attrs.frozen
class _Status:
    """What the status shows."""

    traffic: Traffic
    queues: List[sqlite3.Row]
    overview: Overview
    leases: sqlite3.Row
    top_errors: List[sqlite3.Row]


async def get_status(backend: Backend, call: Call) -> Answer:
    """What went through the broker in a time, and its counts, leases and dead letters now."""
    now, scope = backend.clock.now(), scope_of(call.query)
    wanted = range_of(call.query, now)
    span = Span(wanted.since(now), wanted.until(now))
    minutes = span.bucket_minutes(_LONGEST_BUCKET)
    width = minutes * time_units.MINUTE
    found = await backend.store.run(lambda tx: _read(tx, scope, span, width))
    points = [_point(found.traffic, moment, width) for moment in found.traffic.moments]
    return answered(
        {
            "timeRange": wanted.shown,
            "bucketMinutes": minutes,
            "pointCount": len(points),
            "throughput": points,
            "queues": [_queue(row) for row in found.queues],
            "messages": messages_shown(found.overview),
            "leases": leases_shown(found.leases),
            "deadLetterQueue": {
                "totalMessages": found.overview.totals["dead_letters"],
                "affectedPartitions": 0,
                "topErrors": [{"error": row["error"], "count": row["count"]} for row in found.top_errors],
            },
        }
    )


async def get_analytics(backend: Backend, call: Call) -> Answer:
    """The latest hundred pieces of a time, with what was stored and consumed in each, and what is left now."""
    query, now, scope = call.query, backend.clock.now(), scope_of(call.query)
    wanted, unit = range_of(query, now, hours=24), query.string("interval") or "hour"
    start, end, step = wanted.since(now), wanted.until(now), time_units.step_of(unit)
    moments = time_units.series(start, end, unit, newest=_MOST_POINTS)
    width = time_units.resolution_of(unit)

    def read(tx: Transaction) -> Tuple[Traffic, List[sqlite3.Row]]:
        return traffic.read(tx, scope, start, end, width), counts.of_queues(tx)

    found, queues = await backend.store.run(read)
    pieces, processed = found.cut(unit), sum(found.consumed.values())
    points: List[ThroughputPoint] = [{**_point(pieces, moment, step), "failed": 0} for moment in reversed(moments)]
    totals = {"ingested": sum(found.stored.values()), "processed": processed, "failed": 0, **_NO_AVERAGES}
    depths = {
        "pending": sum(counts.pending(row) for row in queues),
        "processing": sum(row["processing"] for row in queues),
    }
    return answered(
        {
            "timeRange": {**wanted.shown, "interval": unit},
            "throughput": {"timeSeries": points, "totals": totals},
            "latency": {"timeSeries": [], "overall": None},
            "errorRates": {"timeSeries": [], "overall": {"processed": processed, **_NO_FAILURES}},
            "queueDepths": {"timeSeries": [], "current": depths},
            "topQueues": [],
            "deadLetterQueue": {"timeSeries": [], "total": 0, "topErrors": []},
        }
    )


ROUTES: RouteTable = [
    ("GET", "/api/v1/status", get_status),
    ("GET", "/api/v1/status/analytics", get_analytics),
]


def _read(tx: Transaction, scope: Scope, span: Span, width: int) -> _Status:
    return _Status(
        traffic=traffic.read(tx, scope, span.start, span.end, width),
        queues=traffic.queues(tx, scope, span.start, span.end),
        overview=overview.read(tx),
        leases=traffic.leases(tx),
        top_errors=dead_letters.top_errors(tx),
    )


def _point(found: Traffic, moment: int, width: int) -> ThroughputPoint:
    return point(found, moment, width, timestamps.postgres(moment))


def _queue(row: sqlite3.Row) -> QueueTraffic:
    return {
        "id": row["uuid"],
        "name": row["name"],
        "namespace": row["namespace"] or None,
        "task": row["task"] or None,
        "partitions": row["partitions"],
        "totalConsumed": row["consumed"],
    }
