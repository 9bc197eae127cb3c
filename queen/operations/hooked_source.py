"""Pops of clients that have hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Sequence, cast

from typing_extensions import override

from queen.hooks.calls import HookCalls
from queen.hooks.events import Pop
from queen.message import Message
from queen.operations.pop import PopOptions
from queen.operations.source import Source
from queen.settling.settler import Settler

if TYPE_CHECKING:
    from queen_api.models import PoppedMessage


class HookedSource(Source):
    """Pops as every source does, and tells hooks.

    Args:
        settler: settles what comes.
        hooks: the hooks.
    """

    def __init__(self, settler: Settler, hooks: HookCalls) -> None:
        super().__init__(settler)
        self._hooks = hooks

    @override
    async def pop(self, options: PopOptions) -> List[Message]:
        told = Pop(
            servers=self._hooks.servers,
            queue=options.queue,
            namespace=options.namespace,
            task=options.task,
            partition=options.partition,
            group=options.group,
            batch=options.batch,
            wait=options.wait,
        )
        with self._hooks.popping(told):
            found = await super().pop(options)
            told.messages = cast("Sequence[PoppedMessage]", found)
        return found
