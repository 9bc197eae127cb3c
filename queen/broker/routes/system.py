"""The broker itself."""

from __future__ import annotations

from queen_api.models import Health
from typing_extensions import Final

from queen.broker.documentation import api_page, spec_document
from queen.broker.http import Answer, Call, direct, page
from queen.broker.routes.endpoint import Backend, Endpoint, RouteTable
from queen.broker.routes.shared_state import read_shared_state

# The word "libqueen" is how clients know the generation whose answers they read.
EMBEDDED: Final = "Queen embedded broker (libqueen)"
SERVER_015: Final = "C++ Queen Server (libqueen)"
_VERSION: Final = "1.0.0"


def health(server: str) -> Endpoint:
    """Tell that the broker works.

    Args:
        server: what it calls itself.
    """

    async def endpoint(backend: Backend, call: Call) -> Answer:
        answer: Health = {
            "status": "healthy",
            "database": "connected",
            "server": server,
            "version": _VERSION,
            "worker_id": 0,
            "queen": {"status": "active", "worker_id": 0},
            "shared_state": await backend.store.run(read_shared_state),
        }
        return direct(answer)

    return endpoint


async def docs(backend: Backend, call: Call) -> Answer:
    """The API as a page to read."""
    return page(api_page(), b"text/html; charset=utf-8")


async def spec(backend: Backend, call: Call) -> Answer:
    """The API as an OpenAPI document."""
    return page(spec_document(), b"application/json")


PAGES: RouteTable = [("GET", "/docs", docs), ("GET", "/openapi.json", spec)]
