"""What the servers of one installation tell each other. This broker is alone, and caches nothing."""

from __future__ import annotations

from queen_api.models import SharedState

from queen.broker.domain.maintenance import Mode, is_on
from queen.broker.http import Answer, Call, direct
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.store.database import Transaction


def read_shared_state(tx: Transaction) -> SharedState:
    """The state, as answers have it."""
    return {
        "enabled": False,
        "running": False,
        "server_id": "embedded",
        "maintenance_mode": is_on(tx, Mode.PUSH),
        "pop_maintenance_mode": is_on(tx, Mode.POP),
        "queue_config_cache": {"size": 0, "hits": 0, "misses": 0, "hit_rate": 0.0},
        "server_health": {
            "servers_tracked": 0,
            "servers_alive": 0,
            "servers_dead": 0,
            "heartbeats_received": 0,
            "restarts_detected": 0,
        },
    }


async def get_shared_state(backend: Backend, call: Call) -> Answer:
    """The state."""
    return direct(await backend.store.run(read_shared_state))


ROUTES: RouteTable = [("GET", "/api/v1/system/shared-state", get_shared_state)]
