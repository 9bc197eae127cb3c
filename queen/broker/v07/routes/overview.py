"""The whole broker in numbers."""

from __future__ import annotations

from queen_api.models import MessageCounts

from queen.broker import timestamps
from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.spreads import spread
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import counts, overview
from queen.broker.v07.domain.overview import Overview


async def get_overview(backend: Backend, call: Call) -> Answer:
    """Counts of everything, and how far cursors are behind."""
    found = await backend.store.run(overview.read)
    now, totals, queues = backend.clock.now(), found.totals, found.queues
    return answered(
        {
            "queues": totals["queues"],
            "partitions": sum(row["partitions"] for row in queues),
            "namespaces": totals["namespaces"],
            "tasks": totals["tasks"],
            "messages": messages_shown(found),
            "lag": {
                "time": spread([max(0, now - row["oldest"]) // 1_000_000 for row in found.lagging]),
                "offset": spread([row["unread"] for row in found.lagging]),
            },
            "timestamp": timestamps.whole_second(now),
        }
    )


def messages_shown(found: Overview) -> MessageCounts:
    """The counts of everything, as answers have them."""
    return {
        "total": sum(row["total"] for row in found.queues),
        "pending": sum(counts.pending(row) for row in found.queues),
        "processing": sum(row["processing"] for row in found.queues),
        "completed": found.totals["completed"],
        "failed": 0,
        "deadLetter": found.totals["dead_letters"],
    }


ROUTES: RouteTable = [("GET", "/api/v1/resources/overview", get_overview)]
