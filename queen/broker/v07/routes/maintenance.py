"""Push maintenance, and what it holds back."""

from __future__ import annotations

from typing import Tuple

from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.store.database import Transaction
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import maintenance
from queen.broker.v07.fields import refusal


async def get_maintenance(backend: Backend, call: Call) -> Answer:
    """Whether pushes are held back, and how many are."""
    on, held = await backend.store.run(_state)
    return answered(
        {
            "maintenanceMode": on,
            "bufferedMessages": held,
            "bufferHealthy": True,
            "bufferStats": {
                "pendingCount": held,
                "failedCount": 0,
                "dbHealthy": True,
                "failedFiles": {"count": 0, "totalBytes": 0, "totalMB": 0.0, "failoverCount": 0, "qos0Count": 0},
            },
        }
    )


async def switch_maintenance(backend: Backend, call: Call) -> Answer:
    """Hold pushes back, or store what was held back."""
    enabled = call.fields().get("enabled")
    if not isinstance(enabled, bool):
        raise refusal("enabled (boolean) is required")

    def switch(tx: Transaction) -> int:
        maintenance.switch(tx, on=enabled)
        return maintenance.held(tx)

    held = await backend.store.run(switch)
    message = (
        "Maintenance mode ENABLED. All PUSHes routing to file buffer."
        if enabled
        else "Maintenance mode DISABLED. Background processor will drain buffer to DB."
    )
    return answered({"maintenanceMode": enabled, "bufferedMessages": held, "bufferHealthy": True, "message": message})


async def get_buffers(backend: Backend, call: Call) -> Answer:
    """How many messages are held back."""
    held = await backend.store.run(maintenance.held)
    return answered({"pending": held, "failed": 0, "dbHealthy": True, "worker": 0})


ROUTES: RouteTable = [
    ("GET", "/api/v1/system/maintenance", get_maintenance),
    ("POST", "/api/v1/system/maintenance", switch_maintenance),
    ("GET", "/api/v1/status/buffers", get_buffers),
]


def _state(tx: Transaction) -> Tuple[bool, int]:
    return maintenance.is_on(tx), maintenance.held(tx)
