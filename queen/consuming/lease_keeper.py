"""Keeps leases alive while handlers work."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, AsyncContextManager, Awaitable, Callable, Dict, List, Optional, Sequence, Union, cast

from queen import logs
from queen.callbacks import call
from queen.consuming.handlers import LeaseLostCallback
from queen.errors import LeaseLostError, QueenError, is_final
from queen.message import Message
from queen.settling.renewal import renew_lease
from queen.transport.transport import Transport
from queen.types import RenewResponse, WindowResponse
from queen.waiting import beside

if TYPE_CHECKING:
    from queen_api.models import PoppedMessage

    from queen.hooks.calls import HookCalls

Renewal = Callable[[], Awaitable[Union[RenewResponse, WindowResponse]]]


class LeaseKeeper:
    """Renews the leases of the messages at hand.

    Args:
        transport: sends the renewals.
        interval_millis: how often; None keeps nothing alive.
        on_lease_lost: told when a lease could not be renewed.
    """

    def __init__(
        self, transport: Transport, interval_millis: Optional[int], on_lease_lost: Optional[LeaseLostCallback]
    ) -> None:
        self._transport = transport
        self._interval = None if interval_millis is None else interval_millis / 1000
        self._on_lease_lost = on_lease_lost

    def keeping(self, messages: Sequence[Message]) -> AsyncContextManager[None]:
        """Renew the leases of messages until the block ends."""
        if self._interval is None:
            return beside([])
        leases: Dict[str, List[Message]] = {}
        for message in messages:
            if message.lease_id is not None:
                leases.setdefault(message.lease_id, []).append(message)
        return beside([self._keep(lease_id, leased, self._interval) for lease_id, leased in leases.items()])

    async def _keep(self, lease_id: str, messages: List[Message], interval: float) -> None:
        # A renewal that fails once must not lose the lease: it reaches beyond the next two.
        seconds = max(60, round(3 * interval))
        ledger = messages[0].ledger
        affinity = ledger.lease.affinity if ledger is not None else None

        def renew() -> Awaitable[RenewResponse]:
            return renew_lease(self._transport, lease_id, seconds=seconds, affinity=affinity)

        def failed(error: QueenError) -> None:
            logs.event(logging.WARNING, "LeaseKeeper.renew", leaseId=lease_id, error=str(error))

        # How long the lease is that the pop took, nobody tells; a renewal would have made it last so long.
        await self._tell(lease_id, messages, await renew_until_lost(renew, interval, seconds, failed))

    async def _tell(self, lease_id: str, messages: List[Message], reason: str) -> None:
        unsettled = [message for message in messages if message.ledger is not None and not message.ledger.settled]
        if not unsettled:
            return
        for message in unsettled:
            if message.ledger is not None:
                message.ledger.mark_lost()
        error = LeaseLostError(f"lease {lease_id} could not be renewed: {reason}", lease_id=lease_id)
        logs.event(logging.WARNING, "LeaseKeeper.renew", leaseId=lease_id, lost=reason, messages=len(unsettled))
        if self._transport.hooks is not None:
            _tell_hooks(self._transport.hooks, lease_id, unsettled, reason)
        if self._on_lease_lost is not None:
            try:
                await call(self._on_lease_lost, unsettled, error)
            except Exception as raised:  # noqa: BLE001  (a callback that fails must not end the consumer)
                logs.logger.exception("the on_lease_lost callback raised %s", type(raised).__name__)


def _tell_hooks(hooks: HookCalls, lease_id: str, messages: List[Message], reason: str) -> None:
    from queen.hooks.events import LeaseLost

    lost = LeaseLost(
        queue=messages[0].queue,
        group=None if messages[0].ledger is None else messages[0].ledger.lease.group,
        lease_id=lease_id,
        messages=cast("Sequence[PoppedMessage]", messages),
        reason=reason,
    )
    hooks.lease_lost(lost)


async def renew_until_lost(
    renew: Renewal, interval: float, seconds: float, failed: Callable[[QueenError], None]
) -> str:
    """Renew a lease until that is of no use any more.

    Args:
        renew: renews it once.
        interval: the seconds between two renewals.
        seconds: how long a renewal makes it last.
        failed: told of each renewal that did not reach the server.

    Returns:
        Why the lease is lost.
    """
    loop = asyncio.get_running_loop()
    held_until = loop.time() + seconds
    while True:
        await asyncio.sleep(interval)
        asked = loop.time()
        try:
            result = await renew()
        except QueenError as error:
            failed(error)
            # A server that cannot be reached may come back; by then the lease may be over.
            if is_final(error) or loop.time() >= held_until:
                return str(error)
            continue
        if not result["success"]:
            return result["error"] or "no reason given"
        held_until = asked + seconds
