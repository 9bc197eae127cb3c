"""Push maintenance, and what it holds back."""

from __future__ import annotations

from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.maintenance import BUFFERS, PATH, read_state, switching_maintenance
from queen.broker.v07.answers import answered
from queen.broker.v07.domain import maintenance


async def get_maintenance(backend: Backend, call: Call) -> Answer:
    """Whether pushes are held back, and how many are."""
    state = await backend.store.run(read_state)
    return answered(state.shown)


ROUTES: RouteTable = [
    ("GET", PATH, get_maintenance),
    ("POST", PATH, switching_maintenance(maintenance.drain)),
    *BUFFERS,
]
