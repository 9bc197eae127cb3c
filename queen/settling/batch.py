"""What one pop leased in one partition, as far as the servers' recipes need to know it."""

from __future__ import annotations

import asyncio
from typing import Sequence

import attrs
from typing_extensions import Final

from queen.settling.acks import LeaseKey
from queen.settling.renewal import renew_lease
from queen.transport.transport import Transport
from queen.types import AckResponse

# No lease is shorter than a second, and an answer may have been under way for a while.
_SURELY_HELD_SECONDS: Final = 0.5
_EXTENSION_SECONDS: Final = 10


class Hold:
    """How long a lease is surely held; server 0.7 checks no lease in batch acks and transactions, so the client does.

    Args:
        lease: the lease.
        since: when it was taken, in the loop's time; long ago where that is not known.
    """

    def __init__(self, lease: LeaseKey, since: float) -> None:
        self._lease = lease
        self._until = since + _SURELY_HELD_SECONDS

    async def is_held(self, transport: Transport) -> bool:
        """Whether the lease is in force, after extending it where it may be over.

        Raises:
            QueenError: the server could not be asked.
        """
        if self._lease.lease_id is None or asyncio.get_running_loop().time() < self._until:
            return True
        return await self.extend(transport)

    async def extend(self, transport: Transport) -> bool:
        """Extend the lease; whether it is in force.

        Raises:
            QueenError: the server could not be asked.
        """
        if self._lease.lease_id is None:
            return True
        asked = asyncio.get_running_loop().time()
        result = await renew_lease(
            transport, self._lease.lease_id, seconds=_EXTENSION_SECONDS, affinity=self._lease.affinity
        )
        if result["success"]:
            self._until = asked + _EXTENSION_SECONDS
        return result["success"]


@attrs.frozen
class Batch:
    """The messages of one lease in one partition.

    Attributes:
        lease: the lease.
        transaction_ids: the messages, in order.
        settled: how many of them are settled, from the first.
        counted: how many acks a server has counted for them.
        partial: whether there may be others in the batch: these messages were not popped by this client.
        hold: keeps the lease where a server does not check it.
    """

    lease: LeaseKey
    transaction_ids: Sequence[str]
    settled: int
    counted: int
    partial: bool
    hold: Hold

    @property
    def next(self) -> str:
        """The first message that is not settled."""
        return self.transaction_ids[self.settled]

    @property
    def before(self) -> str:
        """The message before it."""
        return self.transaction_ids[self.settled - 1]

    @property
    def left(self) -> int:
        """How many messages are not settled."""
        return len(self.transaction_ids) - self.settled

    @property
    def uncounted(self) -> int:
        """How many acks a server still waits for."""
        return len(self.transaction_ids) - self.counted


@attrs.frozen
class Outcome:
    """What became of a message that was not completed.

    Attributes:
        result: what is told to the user.
        lease_over: whether that gave the lease back, so that all behind it comes again.
    """

    result: AckResponse
    lease_over: bool
