"""The messages behind dead letters: what they hold, and which groups still need them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, AbstractSet, Dict, Mapping, Optional, cast

import attrs
from queen_api.api import groups, messages
from typing_extensions import Final

from queen import validation
from queen.transport.dialect import Dialect
from queen.transport.reading import a_refusal, a_text, an_integer, objects, read_by
from queen.transport.ring import QUEUE_MODE
from queen.transport.transport import Transport
from queen.types import DeadLetter

if TYPE_CHECKING:
    from queen_api.models import GroupDetail, MessageDetail

# The keys of an encrypted payload, as the listing of dead letters shows it.
_CIPHER: Final = {"encrypted", "iv", "authTag"}


@attrs.frozen
class Original:
    """The message behind a dead letter.

    Attributes:
        payload: what was pushed.
        trace_id: its trace id, where it is known.
        detail: the message as the server shows it; None where no path can hold its transaction id.
    """

    payload: object
    trace_id: Optional[str]
    detail: Optional[MessageDetail]


class Originals:
    """Reads the messages behind dead letters.

    Args:
        transport: sends requests.
        dialect: what the server speaks.
    """

    def __init__(self, transport: Transport, dialect: Dialect) -> None:
        self._transport = transport
        self._dialect = dialect
        self._groups: Dict[str, GroupDetail] = {}

    async def read(self, letter: DeadLetter) -> Original:
        """Read the message of a dead letter.

        Raises:
            ServerRefusedError: it is not there any more.
            ValueError: its payload cannot be known.
        """
        if unaddressable(letter) is not None:
            listed = cast("Mapping[str, object]", letter)
            payload = self._as_pushed(_not_encrypted(letter["data"]))
            return Original(payload, cast("Optional[str]", listed.get("traceId")), None)
        detail = await self.detail(letter)
        return Original(self._as_pushed(detail["payload"]), detail["traceId"], detail)

    async def detail(self, letter: DeadLetter) -> MessageDetail:
        """The message of a dead letter as the server shows it, where a path can hold its transaction id.

        Raises:
            ServerRefusedError: it is not there any more.
        """
        request = messages.get_message(partition_id=letter["partitionId"], transaction_id=letter["transactionId"])
        return await self._transport.send(read_by(request, _checked))

    async def is_read_by_others(self, detail: MessageDetail, own: AbstractSet[str]) -> bool:
        """Whether groups other than these have state on the message's partition."""
        if "consumerGroups" in detail:
            return any(group["name"] not in own for group in detail["consumerGroups"])
        mode = detail["mode"]
        if mode["hasQueueMode"] and QUEUE_MODE not in own:
            return True
        # Server 0.7 says how many groups there are, and not which.
        standing = [await self._stands(group, detail) for group in own if group != QUEUE_MODE]
        return mode["busGroupsCount"] > sum(standing)

    def _as_pushed(self, shown: object) -> object:
        """The payload that was pushed, from the one that the server shows.

        Server 0.7 shows a boolean as its text, any other number as a rounded text, the empty text as null, and a text
        that holds JSON as what it holds. So texts that are JSON can only have been booleans and numbers.
        """
        if self._dialect is not Dialect.V07 or isinstance(shown, (dict, list)):
            return shown
        if shown in ("true", "false"):
            return shown == "true"
        if isinstance(shown, str) and not _is_json(shown):
            return shown
        raise ValueError(f"server 0.7 shows the payload as {shown!r}, which does not tell what was pushed")

    async def _stands(self, group: str, detail: MessageDetail) -> bool:
        """Whether a group has state on the message's partition; False where it cannot be asked."""
        if group not in self._groups:
            try:
                request = groups.get_group(group=group)
            except ValueError:
                return False
            self._groups[group] = await self._transport.send(read_by(request, _with_partitions))
        queue = self._groups[group].get(detail["queue"])
        return queue is not None and any(
            partition["partition"] == detail["partition"] for partition in queue["partitions"]
        )


def unaddressable(letter: DeadLetter) -> Optional[str]:
    """Why no path can hold the transaction id of a dead letter's message; None where one can."""
    try:
        validation.path_name("transactionId", letter["transactionId"])
    except ValueError as error:
        return str(error)
    return None


def _checked(detail: MessageDetail) -> MessageDetail:
    """A message's detail that has all that is read of it here."""
    _ = detail["payload"], a_refusal(detail["traceId"])
    if "consumerGroups" in detail:
        for group in objects(detail["consumerGroups"]):
            a_text(group["name"])
    else:
        _ = a_text(detail["queue"]), a_text(detail["partition"]), detail["mode"]["hasQueueMode"]
        an_integer(detail["mode"]["busGroupsCount"])
    return detail


def _with_partitions(detail: GroupDetail) -> GroupDetail:
    for queue in detail.values():
        for partition in objects(queue["partitions"]):
            a_text(partition["partition"])
    return detail


def _not_encrypted(listed: object) -> object:
    if isinstance(listed, dict) and set(listed) == _CIPHER:
        raise ValueError("its payload is encrypted, and its transaction id cannot stand in a path that shows it plain")
    return listed


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
