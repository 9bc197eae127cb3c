"""Pushes and transactions of clients that have hooks."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator, List, Sequence, TypeVar, Union, cast

from queen import logs, validation
from queen.hooks.calls import Around, HookCalls
from queen.hooks.events import Commit, CommittedAck, Push
from queen.identifiers import MadeId
from queen.operations.push import IdentifiedItem, gives_id, push
from queen.operations.transaction import TransactionAck, TransactionPush, commit
from queen.settling.settler import Settler
from queen.transport.transport import Transport
from queen.types import PushResponse, TransactionResponse

if TYPE_CHECKING:
    from queen_api.models import PushItem

E = TypeVar("E", bound=Union[Push, Commit])


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
        items=cast("List[PushItem]", items),
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
        items=cast("List[PushItem]", items),
        buffered=buffered,
    )


@contextmanager
def changing(around: Around[E], items: Sequence[IdentifiedItem]) -> Iterator[E]:
    """What hooks run around items that they may change; what no server could store of the changes is taken back."""
    given = [(item["transactionId"], item.get("traceId")) for item in items]
    with around as event:
        for item, (transaction_id, trace_id) in zip(items, given):
            try:
                item["transactionId"] = str(validation.text("transactionId", item["transactionId"]))
                if "traceId" in item:
                    item["traceId"] = validation.trace_id("traceId", item["traceId"])
            except (TypeError, ValueError) as error:
                logs.event(logging.ERROR, "Hooks", transactionId=transaction_id, changeIgnored=str(error))
                item["transactionId"] = str(transaction_id)
                if trace_id is None:
                    item.pop("traceId", None)
                else:
                    item["traceId"] = trace_id
        yield event


def _committed(ack: TransactionAck) -> CommittedAck:
    queue = ack.message.get("queue")
    return CommittedAck(
        transaction_id=str(ack.message["transactionId"]),
        queue=queue if isinstance(queue, str) else None,
        status=ack.decision.status,
    )
