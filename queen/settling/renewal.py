"""Lease renewal."""

from __future__ import annotations

import functools
from typing import Optional

from queen_api.api import leases
from typing_extensions import Final

from queen.transport.reading import a_refusal, an_object, read_by
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
    request = leases.extend_lease(lease_id=lease_id, seconds=seconds)
    return await transport.send(read_by(request, functools.partial(_renewed, lease_id)), affinity=affinity)


def _renewed(lease_id: str, answer: object) -> RenewResponse:
    entry = an_object(answer[0] if isinstance(answer, list) else answer)
    error = a_refusal(entry.get("error"))
    if error is None and True not in (entry.get("success"), entry.get("extended")):
        raise ValueError("it tells neither that the lease was extended nor why not")
    result: RenewResponse = {"success": error is None, "leaseId": lease_id, "error": error}
    expires_at = entry.get("expiresAt")
    if isinstance(expires_at, str):
        result["expiresAt"] = expires_at
    return result
