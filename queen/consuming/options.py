"""How to consume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

import attrs
from typing_extensions import Final, Literal

from queen.operations.pop import PopOptions

if TYPE_CHECKING:
    from queen.operations.typed_payloads import TypedPayloads

MisfitFate = Literal["dead_letter", "error"]

CONSUME_DEFAULTS: Final[Dict[str, Union[int, bool, None]]] = {
    "concurrency": 1,
    "batch": 1,
    "auto_ack": True,
    "wait": True,
    "timeout_millis": 30000,
    "limit": None,
    "idle_millis": None,
    "renew_lease": False,
}


@attrs.frozen(kw_only=True)
class ConsumeOptions:
    """How to consume.

    Attributes:
        pop: what each worker pops.
        concurrency: how many workers run side by side, each with pops of its own.
        limit: after how many messages each worker ends; a batch is never cut to it.
        idle_millis: after how long without messages each worker ends.
        auto_ack: whether a message is acknowledged when its handler returns, and nacked when it raises.
        each: whether a batch is handed to the handler one message at a time.
        renew_millis: how often leases are renewed while handlers run; None for never.
        payloads: reads payloads as instances of a model; None leaves them as they are.
        misfits: what becomes of messages whose payloads do not fit the model.
    """

    pop: PopOptions
    concurrency: int = 1
    limit: Optional[int] = None
    idle_millis: Optional[int] = None
    auto_ack: bool = True
    each: bool = False
    renew_millis: Optional[int] = None
    payloads: Optional[TypedPayloads[Any]] = None
    misfits: MisfitFate = "dead_letter"

    @property
    def one_by_one(self) -> bool:
        """Whether the handler takes one message, and not a list."""
        return self.each or self.pop.batch == 1
