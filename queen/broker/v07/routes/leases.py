"""Lease renewal."""

from __future__ import annotations

from queen_api.models import SingleLeaseAnswer
from typing_extensions import Final

from queen.broker.domain import leases
from queen.broker.http import Answer, Call
from queen.broker.routes.endpoint import Backend, RouteTable
from queen.broker.v07.answers import answered
from queen.broker.v07.fields import integer, object_of, refusal

_DEFAULT_SECONDS: Final = 60


async def extend_lease(backend: Backend, call: Call) -> Answer:
    """Make a lease last longer."""
    seconds = integer(object_of(call.json()), "seconds", _DEFAULT_SECONDS)
    lease_id = call.path["leaseId"]
    expires_at, _ = await backend.store.run(lambda tx: leases.extend(tx, lease_id, seconds))
    if expires_at is None:
        raise refusal("Lease not found or expired")
    answer: SingleLeaseAnswer = {"extended": True, "leaseId": lease_id, "seconds": seconds}
    return answered(answer)


ROUTES: RouteTable = [("POST", "/api/v1/lease/{leaseId}/extend", extend_lease)]
