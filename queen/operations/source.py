"""Where messages come from: one queue, or the queues of a namespace and task."""

from __future__ import annotations

from typing import List, Optional

from queen.message import Message
from queen.operations.matching import MatchingQueues
from queen.operations.pop import PopOptions, pop
from queen.operations.subscriptions import Starts
from queen.settling.settler import Settler


class Source:
    """The pops of one client.

    Args:
        settler: settles what comes.
    """

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._transport = settler.transport
        self._matching = MatchingQueues(settler)
        self._starts = Starts(settler.transport)

    async def pop(self, options: PopOptions) -> List[Message]:
        """Pop messages; ``[]`` where there are none.

        Raises:
            QueenError: the pop failed.
        """
        self._transport.check_usable("pop")
        settled = await self._starts.settled(options)
        if settled.queue is not None:
            found = await pop(self._settler, settled)
        else:
            found = await self._matching.pop(settled)
        if found:
            self._starts.begun(options)
        return found

    def forget_group(self, group: str, queue: Optional[str]) -> None:
        """Note that a consumer group was deleted, on one queue or on all."""
        self._starts.forget(group, queue)
