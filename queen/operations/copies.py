"""The copies that a redrive pushes, one for each message and consumer group, each under one id for ever."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, AbstractSet, Dict, Mapping, Optional

from queen_api.api import messages, queues
from typing_extensions import Final, Literal

from queen import validation
from queen.errors import ServerRefusedError
from queen.operations.dead_letters import EVERY, DeadLetterQuery, list_dead_letters
from queen.operations.originals import Original
from queen.operations.push import IdentifiedItem, push
from queen.transport.dialect import Dialect
from queen.transport.reading import a_text, read_by
from queen.transport.transport import Transport
from queen.types import DeadLetter

if TYPE_CHECKING:
    from queen_api.models import QueueDetail

Fate = Literal["queued", "duplicate", "buffered"]
_FATES: Final[Mapping[str, Fate]] = {"duplicate": "duplicate", "buffered": "buffered"}
_COPY_ID: Final = re.compile("redrive:([^:]+):(.*)", re.DOTALL)


class Copies:
    """Pushes copies of dead letters, into the partition of the same name.

    Args:
        transport: sends requests.
        dialect: what the server speaks.
        queue: where they go; None for the queue of each letter.
    """

    def __init__(self, transport: Transport, dialect: Dialect, queue: Optional[str]) -> None:
        self._transport = transport
        self._dialect = dialect
        self._queue = queue
        self._partitions: Dict[str, Dict[str, str]] = {}
        self._dead: Dict[str, AbstractSet[str]] = {}

    async def push(self, letter: DeadLetter, original: Original) -> Fate:
        """Push the copy: ``duplicate`` when it is there already, ``buffered`` when the server stores it later.

        Raises:
            ServerRefusedError: the server did not take it.
            ValueError: it cannot be pushed.
            QueenError: the transport failed.
        """
        item: IdentifiedItem = {
            "queue": self._queue or letter["queue"],
            "partition": letter["partition"],
            "transactionId": _copy_id(letter),
            "payload": original.payload,
        }
        if original.trace_id is not None:
            item["traceId"] = original.trace_id
        [result] = await push(self._transport, [item])
        return _FATES.get(result["status"], "queued")

    async def foretell(self, letter: DeadLetter) -> Fate:
        """What a push of the copy would come to, without pushing it.

        Raises:
            ServerRefusedError: the server would not take it.
            ValueError: it cannot be pushed.
            QueenError: the transport failed.
        """
        identifier = _copy_id(letter)
        partition = await self._partition_id(letter)
        if partition is None or not validation.is_path_name(identifier):
            return "queued"
        try:
            await self._transport.send(messages.get_message(partition_id=partition, transaction_id=identifier))
        except ServerRefusedError:
            return "queued"
        return "duplicate"

    async def tells_of_another(self, letter: DeadLetter, removed: AbstractSet[str]) -> bool:
        """Whether the message of a dead letter is a copy, whose original would be pushed again if it were deleted.

        Args:
            letter: the dead letter.
            removed: the ids of the messages that this run has removed.

        Raises:
            QueenError: the listing failed.
        """
        found = _COPY_ID.fullmatch(letter["transactionId"])
        if found is None:
            return False
        original, group = found.groups()
        if group not in self._dead:
            # It may be in any queue.
            listing = await list_dead_letters(self._transport, DeadLetterQuery(group=group, limit=EVERY))
            self._dead[group] = {each["id"] for each in listing["messages"]}
        return original in self._dead[group] and original not in removed

    async def _partition_id(self, letter: DeadLetter) -> Optional[str]:
        """The id of the partition that the copy goes to; None while there is none."""
        if self._queue is None or self._queue == letter["queue"]:
            return letter["partitionId"]
        if self._queue not in self._partitions:
            try:
                request = read_by(queues.get_queue(queue=self._queue), _partition_ids)
                self._partitions[self._queue] = await self._transport.send(request)
            except ServerRefusedError:
                if self._dialect is Dialect.V07:
                    # A push makes no queue there.
                    raise
                return None
        return self._partitions[self._queue].get(letter["partition"])


def _partition_ids(detail: QueueDetail) -> Dict[str, str]:
    return {a_text(partition["name"]): a_text(partition["id"]) for partition in detail["partitions"]}


def _copy_id(letter: DeadLetter) -> str:
    return validation.text("its new transactionId", f"redrive:{letter['id']}:{letter['consumerGroup']}")
