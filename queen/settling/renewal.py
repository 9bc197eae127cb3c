"""Lease renewal."""

from __future__ import annotations

from typing import Mapping, Optional, cast

from queen_api.api import leases
from typing_extensions import Final

from queen.transport.transport import Transport
from queen.types import RenewResponse

# The server's default, sent explicitly because server 0.15 refuses a renewal without a body.
DEFAULT_SECONDS: Final = 60


async def renew_lease(
    transport: Transport, lease_id: str, *, seconds: int = DEFAULT_SECONDS, affinity: Optional[str] = None
) -> RenewResponse:
    """Make a lease last at least so long from now; a renewal never shortens it.

    Args:
        transport: sends the renewal.
        lease_id: the lease; all partitions of a multi-partition pop share one.
        seconds: how long from now.
        affinity: the affinity key of the pop.

    Raises:
        QueenError: the transport failed; a refusal by the server (a lease that is over) is in the result.
    """
    answer: object = await transport.send(leases.extend_lease(lease_id=lease_id, seconds=seconds), affinity=affinity)
    entry = cast("Mapping[str, object]", answer[0] if isinstance(answer, list) else answer)
    error = entry.get("error")
    result: RenewResponse = {
        "success": not isinstance(error, str),
        "leaseId": lease_id,
        "error": error if isinstance(error, str) else None,
    }
    expires_at = entry.get("expiresAt")
    if isinstance(expires_at, str):
        result["expiresAt"] = expires_at
    return result
