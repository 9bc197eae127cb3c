"""The broker itself."""

from __future__ import annotations

from queen_api.models import Health
from typing_extensions import Final

from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.routes.metrics import METRICS
from queen.broker.v07.answers import answered

# The words in brackets are how clients know the generation whose answers they read.
_SERVER: Final = "C++ Queen Server (Acceptor/Worker)"
_VERSION: Final = "1.0.0"


async def health(backend: Backend, call: Call) -> Answer:
    """Tell that the broker works."""
    answer: Health = {
        "status": "healthy",
        "database": "connected",
        "server": _SERVER,
        "version": _VERSION,
        "worker_id": 0,
    }
    return answered(answer)


ROUTES: RouteTable = [("GET", "/health", health), *METRICS]
