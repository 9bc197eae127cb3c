"""Where messages come from: one queue, or the queues of a namespace and task."""

from __future__ import annotations

from typing import List

from queen.message import Message
from queen.operations.matching import MatchingQueues
from queen.operations.pop import PopOptions, pop
from queen.settling.settler import Settler


class Source:
    """The pops of one client.

    Args:
        settler: settles what comes.
    """

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._matching = MatchingQueues(settler)

    async def pop(self, options: PopOptions) -> List[Message]:
        """Pop messages; ``[]`` where there are none.

        Raises:
            QueenError: the pop failed.
        """
        if options.queue is not None:
            return await pop(self._settler, options)
        return await self._matching.pop(options)
