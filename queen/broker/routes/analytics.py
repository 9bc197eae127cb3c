"""Time series of the installation: of its workers, queues and database.

Servers sample them; this broker does not, so that all are empty, and it has no PostgreSQL to tell of.
"""

from __future__ import annotations

from typing_extensions import Final

from queen.broker import timestamps
from queen.broker.domain import casts
from queen.broker.http import Answer, Call, Query, database
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.time_spans import span_of

_DATABASE: Final = "sqlite"
_NO_READS: Final = {"cacheHits": 0, "diskReads": 0, "hitRatio": None}


async def get_system_metrics(backend: Backend, call: Call) -> Answer:
    """The processes of servers: none."""
    span = span_of(call.query, backend.clock.now())
    return database(
        {
            "timeRange": span.shown,
            "bucketMinutes": span.bucket_minutes(),
            "pointCount": 0,
            "replicas": [],
            "replicaCount": 0,
        }
    )


async def get_worker_metrics(backend: Backend, call: Call) -> Answer:
    """The workers of servers: none."""
    span = span_of(call.query, backend.clock.now())
    _check_worker(call.query)
    return database(
        {
            "timeRange": span.shown,
            "bucketMinutes": span.bucket_minutes(),
            "pointCount": 0,
            "timeSeries": [],
            "workers": [],
            "queues": [],
            "summary": {
                "totalPushMessages": 0,
                "totalPopMessages": 0,
                "totalAckMessages": 0,
                "totalPushRequests": 0,
                "totalPopRequests": 0,
                "totalAckRequests": 0,
                "totalDbErrors": 0,
                "totalAckFailed": 0,
                "totalDlq": 0,
                "pendingMessages": 0,
            },
        }
    )


async def list_queue_lag(backend: Backend, call: Call) -> Answer:
    """How far pops were behind: nothing."""
    span_of(call.query, backend.clock.now())
    return database([])


async def get_queue_operations(backend: Backend, call: Call) -> Answer:
    """What was done with queues: nothing."""
    span = span_of(call.query, backend.clock.now())
    return database({"timeRange": span.shown, "bucketMinutes": span.bucket_minutes(), "series": [], "queues": []})


async def get_parked_replicas(backend: Backend, call: Call) -> Answer:
    """Which servers held long polls: none."""
    span = span_of(call.query, backend.clock.now())
    return database({"timeRange": span.shown, "bucketMinutes": span.bucket_minutes(), "series": [], "replicas": []})


async def get_retention(backend: Backend, call: Call) -> Answer:
    """Which messages were removed for their age: none ever is."""
    span = span_of(call.query, backend.clock.now())
    totals = {"retentionMsgs": 0, "completedRetentionMsgs": 0, "evictionMsgs": 0, "totalMsgs": 0, "eventCount": 0}
    return database({"timeRange": span.shown, "bucketMinutes": span.bucket_minutes(), "series": [], "totals": totals})


async def get_postgres_stats(backend: Backend, call: Call) -> Answer:
    """The statistics of PostgreSQL, which is not there."""
    return database(
        {
            "timestamp": timestamps.milli(backend.clock.now()),
            "database": _DATABASE,
            "databaseCache": {"database": _DATABASE, "cacheHits": 0, "diskReads": 0, "cacheHitRatio": None},
            "cacheSummary": {"tables": _NO_READS, "indexes": _NO_READS},
            "bufferConfig": {"sharedBuffers": "0", "sharedBuffersSize": "0 bytes"},
            "tableCache": [],
            "indexCache": [],
            "tableSizes": [],
            "deadTuples": [],
            "hotUpdates": [],
            "activeQueries": [],
            "autovacuumStatus": [],
            "bufferUsage": [],
        }
    )


ROUTES: RouteTable = [
    ("GET", "/api/v1/analytics/system-metrics", get_system_metrics),
    ("GET", "/api/v1/analytics/worker-metrics", get_worker_metrics),
    ("GET", "/api/v1/analytics/queue-lag", list_queue_lag),
    ("GET", "/api/v1/analytics/queue-ops", get_queue_operations),
    ("GET", "/api/v1/analytics/queue-parked-replicas", get_parked_replicas),
    ("GET", "/api/v1/analytics/retention", get_retention),
    ("GET", "/api/v1/analytics/postgres-stats", get_postgres_stats),
]


def _check_worker(query: Query) -> None:
    worker = query.string("workerId")
    if worker:
        casts.integer(worker)
