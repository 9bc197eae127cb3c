"""Transactions: acks and pushes that happen together or not at all."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, cast

import attrs
from queen_api.api import transactions

from queen import logs
from queen.errors import OutcomeUnknownError, QueenError, TransactionError
from queen.message_fields import MessageFields
from queen.operations.names import check_name
from queen.operations.push import IdentifiedItem
from queen.operations.settle import AnyMessage, lease_key
from queen.settling.acks import INVALID_LEASE, ack_operation
from queen.settling.decision import Decision
from queen.settling.ledger import Ledger
from queen.settling.settler import Settler
from queen.transport.reading import a_text, an_object, objects, read_by
from queen.transport.transport import Transport
from queen.types import TransactionResponse

if TYPE_CHECKING:
    from queen_api.models import PushItem, TransactionOperation


@attrs.frozen
class TransactionAck:
    """One ack of a transaction.

    Attributes:
        message: the message, popped or rebuilt from JSON.
        decision: how it ends; inside a transaction a failure is a dead letter at once.
    """

    message: AnyMessage
    decision: Decision


@attrs.frozen
class TransactionPush:
    """One item that a transaction pushes.

    Attributes:
        item: the item, with its transaction id.
        made_id: whether the client made the id, so that nobody else can have used it.
    """

    item: IdentifiedItem
    made_id: bool


async def commit(
    settler: Settler,
    acks: Sequence[TransactionAck],
    pushes: Sequence[TransactionPush],
    *,
    in_doubt: bool = False,
) -> TransactionResponse:
    """Commit.

    All pushes go before all acks, and the acks of one lease in the order of their batch: the server applies them as
    written, and its cursor stays at the last one.

    Args:
        settler: its transport sends it.
        acks: what to acknowledge.
        pushes: what to push.
        in_doubt: whether this transaction was sent before, and its answer was lost.

    Returns:
        ``success``, ``transactionId`` and ``results``.

    Raises:
        ValueError: the transaction is empty, or acknowledges a message past one of the same lease that is not settled.
        TransactionError: the server refused it; nothing of it happened.
        OutcomeUnknownError: the answer was lost, and the server cannot tell whether the transaction took effect.
        QueenError: the transport failed; nothing of it happened.
    """
    if not acks and not pushes:
        raise ValueError("the transaction is empty; add an ack or a push before commit()")
    for queue in {push.item["queue"] for push in pushes}:
        await check_name(settler.transport, queue)
    ordered = sorted(acks, key=_place_in_batch)
    operations: List[TransactionOperation] = [_push_operation(push) for push in pushes]
    operations.extend(
        ack_operation(lease_key(ack.message), str(ack.message["transactionId"]), ack.decision) for ack in ordered
    )
    by_ledger = _by_ledger(ordered)
    async with AsyncExitStack() as turns:
        for ledger, own in by_ledger.items():
            await turns.enter_async_context(ledger.turn())
            _refuse_gap(ledger, own)
        failure_ends_lease = await _check_leases(settler, by_ledger)
        affinity = next((ledger.lease.affinity for ledger in by_ledger), None)
        response = await _commit(settler.transport, operations, pushes, affinity=affinity, in_doubt=in_doubt)
        for ledger, own in by_ledger.items():
            for ack in own:
                over = failure_ends_lease and ack.decision.status != "completed"
                ledger.mark_committed(str(ack.message["transactionId"]), ack.decision, lease_over=over)
    await _send_waiting(by_ledger)
    return response


async def _commit(
    transport: Transport,
    operations: List[TransactionOperation],
    pushes: Sequence[TransactionPush],
    *,
    affinity: Optional[str],
    in_doubt: bool,
) -> TransactionResponse:
    request = read_by(transactions.commit(operations=operations), _response)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + transport.timeout
    if not in_doubt:
        try:
            return (await transport.exchange(request, affinity=affinity)).value
        except QueenError as error:
            if not error.maybe_delivered:
                raise
            lost = error
        if not any(push.made_id for push in pushes):
            raise OutcomeUnknownError(
                "commit: the answer was lost, and without a pushed id of the client's own the server cannot tell "
                "whether the transaction took effect",
                operation="commit",
            ) from lost
    try:
        left = max(0.0, deadline - loop.time())
        return (await transport.exchange(request, affinity=affinity, seconds=left)).value
    except TransactionError as error:
        if _was_committed(error, pushes):
            return {"success": True, "transactionId": "", "results": []}
        words = f"commit: the answer was lost, and its repeat was refused: {error.words}"
        raise OutcomeUnknownError(words, operation="commit") from error
    except QueenError as error:
        words = f"commit: the answer was lost, and the repeat failed: {error}"
        raise OutcomeUnknownError(words, operation="commit") from error


def _was_committed(refusal: TransactionError, pushes: Sequence[TransactionPush]) -> bool:
    """Whether the refusal of a repeat means that the transaction was committed before.

    It does when the repeat fails on a taken id that the client made: nothing else can have taken it.
    """
    if "duplicate key" not in f"{refusal.words} {refusal.results}":
        return False
    failed_at = next((place for place, result in enumerate(refusal.results) if not _went_well(result)), None)
    place = len(refusal.results) if failed_at is None else failed_at
    return place < len(pushes) and pushes[place].made_id


def _went_well(result: Mapping[str, object]) -> bool:
    """Whether an operation had been done: server 0.15 says ``success``, 0.7 the status of each pushed item."""
    items = result.get("results")
    if isinstance(items, list):
        return all(isinstance(item, dict) and item.get("status") == "queued" for item in items)
    return result.get("success") is True


def _by_ledger(acks: Sequence[TransactionAck]) -> Dict[Ledger, List[TransactionAck]]:
    # Always in one order, so that two transactions never wait for each other's turn.
    grouped: Dict[Ledger, List[TransactionAck]] = {}
    for ack in acks:
        ledger = ack.message.ledger if isinstance(ack.message, MessageFields) else None
        if ledger is not None:
            grouped.setdefault(ledger, []).append(ack)
    return dict(sorted(grouped.items(), key=lambda entry: id(entry[0])))


def _refuse_gap(ledger: Ledger, acks: Sequence[TransactionAck]) -> None:
    own = [str(ack.message["transactionId"]) for ack in acks]
    before = ledger.unsettled_before(own)
    if before is not None:
        raise ValueError(
            f"the message {before!r} comes before one of this transaction in its partition and is not settled; the "
            "server would count it as read. Settle it first, or acknowledge it in this transaction too"
        )


async def _check_leases(settler: Settler, ledgers: Iterable[Ledger]) -> bool:
    """Refuse what is no longer leased where the server does not; whether a failure gives its lease back there.

    Raises:
        TransactionError: a lease is over.
    """
    checked = True
    for ledger in ledgers:
        checked = await settler.checks_leases_in_transactions(ledger.lease.affinity)
        if not checked and not await ledger.is_held():
            raise TransactionError(operation="commit", status=200, words=INVALID_LEASE, results=[])
    return checked


async def _send_waiting(ledgers: Iterable[Ledger]) -> None:
    """Send the acks that waited for the messages of the transaction; it is committed whatever becomes of them."""
    for ledger in ledgers:
        try:
            await ledger.settle({})
        except QueenError as error:
            logs.event(logging.WARNING, "TransactionBuilder.commit", waitingAcksFailed=str(error))


def _response(answer: object) -> TransactionResponse:
    fields = an_object(answer)
    results = objects(fields.get("results") or [])
    if fields.get("success") is not True:
        raise TransactionError(operation="commit", status=200, words=_words(fields, results), results=results)
    return {"success": True, "transactionId": a_text(fields["transactionId"]), "results": results}


def _words(fields: Mapping[str, object], results: Sequence[Mapping[str, object]]) -> str:
    error = fields.get("error")
    if isinstance(error, str) and error:
        return error.strip()
    # Server 0.7 says it in the operation's result only.
    for result in results:
        if result.get("success") is False or "error" in result:
            return str(result.get("error") or result.get("message"))
    return "no reason given"


def _place_in_batch(ack: TransactionAck) -> Tuple[str, int]:
    ledger = ack.message.ledger if isinstance(ack.message, MessageFields) else None
    if ledger is None:
        return "", 0
    return ledger.lease.partition_id, ledger.position(str(ack.message["transactionId"]))


def _push_operation(push: TransactionPush) -> TransactionOperation:
    return {"type": "push", "items": [cast("PushItem", push.item)]}
