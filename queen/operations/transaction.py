"""Transactions: acks and pushes that happen together or not at all."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence, Tuple, cast

import attrs
from queen_api.api import transactions
from queen_api.models import PushItem, TransactionOperation

from queen.errors import ConnectionFailedError, OutcomeUnknownError, QueenTimeoutError, TransactionError
from queen.message import Message
from queen.operations.push import IdentifiedItem
from queen.operations.settle import AnyMessage, lease_key
from queen.settling.decision import Decision
from queen.transport.transport import Transport
from queen.types import TransactionResponse


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
    transport: Transport, acks: Sequence[TransactionAck], pushes: Sequence[TransactionPush]
) -> TransactionResponse:
    """Commit.

    All pushes go before all acks, and the acks of one lease in the order of their batch: the server applies them as
    written, and its cursor stays at the last one.

    Returns:
        ``success``, ``transactionId`` and ``results``.

    Raises:
        ValueError: the transaction is empty.
        TransactionError: the server refused it; nothing of it happened.
        OutcomeUnknownError: the answer was lost, and the server cannot tell whether the transaction took effect.
        QueenError: the transport failed; nothing of it happened.
    """
    if not acks and not pushes:
        raise ValueError("the transaction is empty; add an ack or a push before commit()")
    ordered = sorted(acks, key=_place_in_batch)
    operations: List[TransactionOperation] = [_push_operation(push) for push in pushes]
    operations.extend(_ack_operation(ack) for ack in ordered)
    response = await _commit(transport, operations, pushes)
    for ack in ordered:
        if isinstance(ack.message, Message) and ack.message.ledger is not None:
            ack.message.ledger.mark_committed(ack.message.transaction_id, ack.decision)
    return response


async def _commit(
    transport: Transport, operations: List[TransactionOperation], pushes: Sequence[TransactionPush]
) -> TransactionResponse:
    request = transactions.commit(operations=operations)
    try:
        return _response(await transport.send(request))
    except (ConnectionFailedError, QueenTimeoutError) as error:
        if not error.maybe_delivered:
            raise
        lost = error
    if not any(push.made_id for push in pushes):
        raise OutcomeUnknownError(
            "commit: the answer was lost, and without a pushed id of the client's own the server cannot tell whether "
            "the transaction took effect",
            operation="commit",
        ) from lost
    try:
        return _response(await transport.send(request))
    except TransactionError as error:
        # The repeat of a committed transaction fails on the first push, whose id is taken. An id that the client made
        # can be taken by nothing else.
        failed_at = len([result for result in error.results if result.get("success")])
        if failed_at < len(pushes) and pushes[failed_at].made_id:
            return {"success": True, "transactionId": "", "results": []}
        raise OutcomeUnknownError(
            f"commit: the answer was lost, and its repeat was refused: {error.words}", operation="commit"
        ) from lost
    except (ConnectionFailedError, QueenTimeoutError) as error:
        raise OutcomeUnknownError(
            f"commit: the answer was lost, and the repeat failed: {error}", operation="commit"
        ) from error


def _response(answer: object) -> TransactionResponse:
    fields = cast("Mapping[str, object]", answer)
    results = cast("List[Dict[str, object]]", fields.get("results") or [])
    if fields.get("success") is not True:
        raise TransactionError(operation="commit", status=200, words=_words(fields, results), results=results)
    return {"success": True, "transactionId": str(fields["transactionId"]), "results": results}


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
    ledger = ack.message.ledger if isinstance(ack.message, Message) else None
    if ledger is None:
        return "", 0
    return ledger.lease.partition_id, ledger.position(str(ack.message["transactionId"]))


def _push_operation(push: TransactionPush) -> TransactionOperation:
    return {"type": "push", "items": [cast("PushItem", push.item)]}


def _ack_operation(ack: TransactionAck) -> TransactionOperation:
    lease = lease_key(ack.message)
    operation: Dict[str, Optional[str]] = {
        "type": "ack",
        "transactionId": str(ack.message["transactionId"]),
        "partitionId": lease.partition_id,
        "status": ack.decision.status,
        "leaseId": lease.lease_id,
        "consumerGroup": lease.group,
        "error": ack.decision.error,
    }
    return cast("TransactionOperation", {key: value for key, value in operation.items() if value is not None})
