"""Settling for clients that have hooks."""

from __future__ import annotations

from typing import List

from typing_extensions import override

from queen.hooks.calls import HookCalls
from queen.hooks.events import Settlement
from queen.settling.batch import Batch, Outcome
from queen.settling.decision import COMPLETED, Decision
from queen.settling.settler import Settler
from queen.transport.transport import Transport
from queen.types import AckResponse


class HookedSettler(Settler):
    """Settles as every settler does, and tells hooks.

    Args:
        transport: sends.
        hooks: the hooks.
    """

    def __init__(self, transport: Transport, hooks: HookCalls) -> None:
        super().__init__(transport)
        self._hooks = hooks

    @override
    async def complete(self, batch: Batch, count: int) -> List[AckResponse]:
        with self._hooks.settling(self._settlement(batch, COMPLETED, count)) as told:
            results = await super().complete(batch, count)
            told.results = results
        return results

    @override
    async def fail(self, batch: Batch, decision: Decision) -> Outcome:
        with self._hooks.settling(self._settlement(batch, decision, 1)) as told:
            outcome = await super().fail(batch, decision)
            told.results = [outcome.result]
        return outcome

    def _settlement(self, batch: Batch, decision: Decision, count: int) -> Settlement:
        return Settlement(
            servers=self._hooks.servers,
            queue=batch.lease.queue,
            partition_id=batch.lease.partition_id,
            group=batch.lease.group,
            transaction_ids=batch.transaction_ids[batch.settled : batch.settled + count],
            status=decision.status,
            reason=decision.error,
        )
