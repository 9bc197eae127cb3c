"""Maintenance: pushes are held back, or pops get nothing."""

from __future__ import annotations

from typing import Callable

import attrs
from queen_api.models import MaintenanceStatus
from typing_extensions import Final

from queen.broker.domain import held_pushes, maintenance
from queen.broker.domain.maintenance import Mode
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Answer, Call, direct
from queen.broker.routes.endpoint import Backend, Endpoint, RouteTable
from queen.broker.store.database import Transaction

PATH: Final = "/api/v1/system/maintenance"
_POP_PATH: Final = "/api/v1/system/maintenance/pop"


@attrs.frozen
class State:
    """The modes that are on, and how many messages are held back."""

    push: bool
    pop: bool
    held: int

    @property
    def shown(self) -> MaintenanceStatus:
        """Push maintenance, as answers have it."""
        return {
            "maintenanceMode": self.push,
            "bufferedMessages": self.held,
            "bufferHealthy": True,
            "bufferStats": {
                "pendingCount": self.held,
                "failedCount": 0,
                "dbHealthy": True,
                "failedFiles": {"count": 0, "totalBytes": 0, "totalMB": 0.0, "failoverCount": 0, "qos0Count": 0},
            },
        }


def read_state(tx: Transaction) -> State:
    """What is on, and how much is held back."""
    return State(maintenance.is_on(tx, Mode.PUSH), maintenance.is_on(tx, Mode.POP), held_pushes.count(tx))


async def get_maintenance(backend: Backend, call: Call) -> Answer:
    """Which modes are on, and how much is held back."""
    state = await backend.store.run(read_state)
    return direct({**state.shown, "popMaintenanceMode": state.pop})


def switching_maintenance(store_held: Callable[[Transaction], None]) -> Endpoint:
    """Hold pushes back, or store what was held back.

    Args:
        store_held: stores it, once the mode is off.
    """

    async def endpoint(backend: Backend, call: Call) -> Answer:
        on = _enabled(call)

        def switch(tx: Transaction) -> int:
            maintenance.switch(tx, Mode.PUSH, on=on)
            if not on:
                store_held(tx)
            return held_pushes.count(tx)

        held = await backend.store.run(switch)
        message = (
            "Maintenance mode ENABLED. All PUSHes routing to file buffer."
            if on
            else "Maintenance mode DISABLED. Background processor will drain buffer to DB."
        )
        return direct({"maintenanceMode": on, "bufferedMessages": held, "bufferHealthy": True, "message": message})

    return endpoint


async def get_pop_maintenance(backend: Backend, call: Call) -> Answer:
    """Whether pops get nothing."""
    on = await backend.store.run(lambda tx: maintenance.is_on(tx, Mode.POP))
    message = (
        "Pop maintenance mode is ON. All POP operations return empty arrays."
        if on
        else "Pop maintenance mode is OFF. Normal operation."
    )
    return direct({"popMaintenanceMode": on, "message": message})


async def switch_pop_maintenance(backend: Backend, call: Call) -> Answer:
    """Let pops get nothing, or messages again."""
    on = _enabled(call)
    await backend.store.run(lambda tx: maintenance.switch(tx, Mode.POP, on=on))
    message = (
        "Pop maintenance mode ENABLED. All POP operations will return empty arrays."
        if on
        else "Pop maintenance mode DISABLED. Normal operation resumed."
    )
    return direct({"popMaintenanceMode": on, "message": message})


async def get_buffers(backend: Backend, call: Call) -> Answer:
    """How many messages are held back."""
    held = await backend.store.run(held_pushes.count)
    return direct({"pending": held, "failed": 0, "dbHealthy": True, "worker": 0})


BUFFERS: RouteTable = [("GET", "/api/v1/status/buffers", get_buffers)]
ROUTES: RouteTable = [
    ("GET", PATH, get_maintenance),
    ("POST", PATH, switching_maintenance(held_pushes.store_all)),
    ("GET", _POP_PATH, get_pop_maintenance),
    ("POST", _POP_PATH, switch_pop_maintenance),
    *BUFFERS,
]


def _enabled(call: Call) -> bool:
    enabled = call.fields().get("enabled")
    if not isinstance(enabled, bool):
        raise DirectRefusalError(400, "enabled (boolean) is required")
    return enabled
