"""What the broker measures of itself: as JSON, where the servers leave nearly all at zero, and for Prometheus."""

from __future__ import annotations

import os
from typing import List

from queen.broker.domain import dead_letters, held_pushes
from queen.broker.domain.maintenance import Mode, is_on
from queen.broker.http import Answer, Call, direct
from queen.broker.prometheus import CONTENT_TYPE, Family, exposition
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.store.database import Transaction


async def get_metrics(backend: Backend, call: Call) -> Answer:
    """Numbers that stay at zero, but those of the database's connections."""
    return direct(
        {
            "uptime": 0,
            "requests": {"total": 0, "rate": 0},
            "messages": {"total": 0, "rate": 0},
            "database": {"poolSize": 1, "idleConnections": 1, "waitingRequests": 0},
            "memory": {"rss": 0, "heapTotal": 0, "heapUsed": 0, "external": 0, "arrayBuffers": 0},
            "cpu": {"user": 0, "system": 0},
        }
    )


async def get_prometheus_metrics(backend: Backend, call: Call) -> Answer:
    """The server's families, those that the broker knows; the others are missing, as on a server without data."""
    stored = await backend.store.run(_of_store)
    uptime = (backend.clock.now() - backend.opened_at) // 1_000_000
    headers = [(b"content-type", CONTENT_TYPE), (b"cache-control", b"no-cache")]
    return Answer(200, headers, exposition([*_of_process(uptime), *stored]))


METRICS: RouteTable = [("GET", "/metrics", get_metrics)]
ROUTES: RouteTable = [*METRICS, ("GET", "/metrics/prometheus", get_prometheus_metrics)]


def _of_process(uptime: int) -> List[Family]:
    times = os.times()
    user, system = round(times.user * 1e6), round(times.system * 1e6)
    return [
        Family.of("queen_uptime_seconds", "Seconds since the broker was opened", uptime),
        Family.of("queen_cpu_user_microseconds_total", "User CPU time of the process", user, "counter"),
        Family.of("queen_cpu_system_microseconds_total", "System CPU time of the process", system, "counter"),
        Family.of("queen_db_pool_size", "Connections to the database", 1),
        Family.of("queen_db_pool_idle", "Connections that are not in use", 1),
        Family.of("queen_db_pool_active", "Connections in use", 0),
    ]


def _of_store(tx: Transaction) -> List[Family]:
    by_queue = [({"queue": row["queue"]}, int(row["letters"])) for row in dead_letters.by_queue(tx)]
    depth = sum(letters for _, letters in by_queue)
    return [
        Family.of("queen_file_buffer_pending", "Messages that maintenance holds back", held_pushes.count(tx)),
        Family.of("queen_file_buffer_failed", "Messages that could not be stored after maintenance", 0),
        Family.of("queen_file_buffer_db_healthy", "Whether the database works", 1),
        Family.of("queen_maintenance_mode_enabled", "Whether pushes are held back", int(is_on(tx, Mode.PUSH))),
        Family.of("queen_shared_state_enabled", "Whether there are other servers", 0),
        Family("queen_dlq_depth", "Dead letters", [({"scope": "cluster"}, depth)]),
        Family("queen_dlq_depth_by_queue", "Dead letters of a queue", by_queue),
    ]
