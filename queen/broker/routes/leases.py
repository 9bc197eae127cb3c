"""Lease renewal."""

from __future__ import annotations

from queen_api.models import LeaseResult

from queen.broker import timestamps
from queen.broker.domain import leases
from queen.broker.failures import DirectRefusalError
from queen.broker.http import Answer, Call, database
from queen.broker.routes.endpoint import Backend, RouteTable

_DEFAULT_SECONDS = 60
_LONGEST_SECONDS = 2**31 - 1


async def extend_lease(backend: Backend, call: Call) -> Answer:
    """Make a lease last longer."""
    fields = call.json()
    if not isinstance(fields, dict):
        raise DirectRefusalError(500, "[json.exception.type_error.306] the body is no object")
    seconds = fields.get("seconds", _DEFAULT_SECONDS)
    if not isinstance(seconds, (int, float)):
        raise DirectRefusalError(500, "[json.exception.type_error.302] type must be number")
    span = max(-_LONGEST_SECONDS, min(int(seconds), _LONGEST_SECONDS))
    lease_id = call.path["leaseId"]
    expires_at, error = await backend.store.run(lambda tx: leases.extend(tx, lease_id, span))
    result: LeaseResult = {
        "index": 0,
        "leaseId": lease_id,
        "success": expires_at is not None,
        "error": error or None,
        "expiresAt": timestamps.optional_milli(expires_at),
    }
    return database([result])


ROUTES: RouteTable = [("POST", "/api/v1/lease/{leaseId}/extend", extend_lease)]
