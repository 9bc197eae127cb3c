"""Pushes and transactions of clients that have hooks."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union, cast

from typing_extensions import Final

from queen import logs, validation
from queen.hooks.calls import Around, HookCalls
from queen.hooks.events import Commit, CommittedAck, Push
from queen.identifiers import MadeId
from queen.operations.push import IdentifiedItem, gives_id, push
from queen.operations.transaction import TransactionAck, TransactionPush, commit
from queen.settling.settler import Settler
from queen.transport import codec
from queen.transport.transport import Transport
from queen.types import PushResponse, TransactionResponse

if TYPE_CHECKING:
    from queen_api.models import PushItem

E = TypeVar("E", bound=Union[Push, Commit])

# Stands for the value of a key that is not there.
_NOTHING: Final = object()


async def push_in_hooks(hooks: HookCalls, transport: Transport, items: Sequence[IdentifiedItem]) -> List[PushResponse]:
    """As ``push``, told to hooks, which may change the items."""
    if not items:
        return await push(transport, items)
    with changing(hooks.pushing(push_event(hooks, items, buffered=False)), items) as event:
        results = await push(transport, items)
        event.results = results
    return results


async def commit_in_hooks(
    settler: Settler,
    hooks: HookCalls,
    acks: Sequence[TransactionAck],
    pushes: Sequence[TransactionPush],
    *,
    in_doubt: bool,
) -> TransactionResponse:
    """As ``commit``, told to hooks, which may change the items that are sent for the first time."""
    items = [pushed.item for pushed in pushes]
    if not in_doubt:
        for pushed in pushes:
            if pushed.made_id:
                pushed.item["transactionId"] = MadeId(pushed.item["transactionId"])
    told = Commit(
        servers=hooks.servers,
        items=cast("Sequence[PushItem]", tuple(items)),
        acks=[_committed(ack) for ack in acks],
        in_doubt=in_doubt,
    )
    with changing(hooks.committing(told), items):
        return await commit(settler, acks, pushes, in_doubt=in_doubt)


def mark_made_ids(items: Sequence[IdentifiedItem], given: Sequence[object]) -> None:
    """Mark the ids that the client made: nobody knows them yet, and hooks may change them.

    Args:
        items: the items as they go over the wire.
        given: the same as the user gave them.
    """
    for item, said in zip(items, given):
        if not gives_id(said):
            item["transactionId"] = MadeId(item["transactionId"])


def push_event(hooks: HookCalls, items: Sequence[IdentifiedItem], *, buffered: bool) -> Push:
    """A push of one queue and partition."""
    return Push(
        servers=hooks.servers,
        queue=items[0]["queue"],
        partition=items[0].get("partition"),
        items=cast("Sequence[PushItem]", tuple(items)),
        buffered=buffered,
    )


@contextmanager
def changing(around: Around[E], items: Sequence[IdentifiedItem]) -> Iterator[E]:
    """What hooks run around items that they may change; changes that they may not make are taken back."""
    given = [item.copy() for item in items]
    with around as event:
        for item, before in zip(items, given):
            _take_back(item, before)
        if len({_place(item) for item in items}) < len({_place(before) for before in given}):
            # The servers would store one of the messages that share an id, and lose the others.
            _log_ignored(given[0], "transactionId: two messages of a partition cannot have the same")
            for item, before in zip(items, given):
                item["transactionId"] = str(before["transactionId"])
        yield event


def _take_back(item: IdentifiedItem, before: IdentifiedItem) -> None:
    """Leave of the changes of an item those that hooks may make."""
    found = cast("Dict[str, object]", item)
    given: Mapping[str, object] = before
    kept: Dict[str, object] = {**given, "transactionId": str(before["transactionId"])}
    for key in {**given, **found}:
        value = found.get(key, _NOTHING)
        if value is not given.get(key, _NOTHING):
            try:
                kept[key] = _change(key, value, before)
            except (TypeError, ValueError) as error:
                _log_ignored(before, str(error))
    found.clear()
    found.update(kept)


def _change(key: str, value: object, before: IdentifiedItem) -> object:
    """The new value of a key.

    Raises:
        TypeError, ValueError: no server could store it, or hooks may not change it.
    """
    if value is _NOTHING:
        raise ValueError(f"{key} cannot be left out")
    if key == "transactionId" and type(before["transactionId"]) is MadeId:
        return str(validation.text(key, value))
    if key == "traceId" and key not in before:
        return validation.trace_id(key, value)
    if key == "payload":
        codec.encode(value, operation="push")
        return value
    raise ValueError(f"{validation.shown(key)} is not for hooks to change here")


def _place(item: IdentifiedItem) -> Tuple[str, Optional[str], str]:
    """What no other message may share."""
    return item["queue"], item.get("partition"), item["transactionId"]


def _log_ignored(before: IdentifiedItem, why: str) -> None:
    logs.event(logging.ERROR, "Hooks", transactionId=str(before["transactionId"]), changeIgnored=why)


def _committed(ack: TransactionAck) -> CommittedAck:
    queue = ack.message.get("queue")
    return CommittedAck(
        transaction_id=str(ack.message["transactionId"]),
        queue=queue if isinstance(queue, str) else None,
        status=ack.decision.status,
    )
