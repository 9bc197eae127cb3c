"""Time series of the servers' processes. Servers sample them; this broker does not."""

from __future__ import annotations

from typing_extensions import Final

from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.time_spans import Span
from queen.broker.v07.answers import answered
from queen.broker.v07.time_ranges import range_of

_LONGEST_BUCKET_MINUTES: Final = 1440


async def get_system_metrics(backend: Backend, call: Call) -> Answer:
    """The processes of servers: none."""
    now = backend.clock.now()
    given = range_of(call.query, now)
    span = Span(given.since(now), given.until(now))
    return answered(
        {
            "timeRange": given.shown,
            "bucketMinutes": span.bucket_minutes(_LONGEST_BUCKET_MINUTES),
            "pointCount": 0,
            "replicas": [],
            "replicaCount": 0,
        }
    )


ROUTES: RouteTable = [("GET", "/api/v1/analytics/system-metrics", get_system_metrics)]
