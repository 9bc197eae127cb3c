"""Acks on the wire: one, several, or those of a transaction."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, Optional, Sequence, TypeVar, cast

import attrs
from queen_api import Request
from queen_api.api import acks, transactions
from typing_extensions import Final

from queen.errors import ServerRefusedError
from queen.settling.decision import Decision
from queen.transport import codec
from queen.transport.reading import a_refusal, a_text, an_object, objects, read_by
from queen.transport.transport import Transport
from queen.types import AckResponse

if TYPE_CHECKING:
    from queen_api.models import Acknowledgment, TransactionOperation

T = TypeVar("T")

# What servers say when a lease is over or somebody else's; the second is said by server 0.7 only.
INVALID_LEASE: Final = "Invalid or expired lease"
_LEASE_REFUSALS: Final = (INVALID_LEASE, "invalid_lease")


@attrs.frozen
class LeaseKey:
    """The lease under which messages are acknowledged.

    Attributes:
        partition_id: the partition.
        lease_id: the lease; None sends acks that no server checks against a lease.
        group: the consumer group; None is queue mode.
        affinity: the affinity key of the pop, so that acks go to the server of the pop.
        queue: the queue, where it is known.
    """

    partition_id: str
    lease_id: Optional[str]
    group: Optional[str]
    affinity: Optional[str] = None
    queue: Optional[str] = None


def ack_result(transaction_id: str, error: Optional[str] = None, *, dlq: bool = False) -> AckResponse:
    """What became of the ack of one message; without an error it took effect."""
    return {"success": error is None, "error": error, "transactionId": transaction_id, "dlq": dlq}


def uncertain(result: AckResponse) -> AckResponse:
    """The result of an ack whose answer was lost, when the lease that it ends is over: most likely by this ack."""
    return {**result, "success": True, "error": None, "uncertain": True}


async def send_one(transport: Transport, lease: LeaseKey, transaction_id: str, decision: Decision) -> AckResponse:
    """Acknowledge one message.

    Raises:
        QueenError: the transport failed; a refusal by the server is in the result.
    """
    request = acks.ack(
        transaction_id=transaction_id,
        partition_id=lease.partition_id,
        lease_id=lease.lease_id,
        status=decision.status,
        consumer_group=lease.group,
        error=decision.error,
    )
    return (await _send(transport, request, lease, lambda answer: _single(answer, transaction_id)))[0]


async def send_batch(
    transport: Transport,
    lease: LeaseKey,
    transaction_ids: Sequence[str],
    decision: Decision,
    *,
    repeat_lost: bool = True,
) -> List[AckResponse]:
    """Acknowledge several messages of one partition in the same way, in the order of their batch.

    Raises:
        QueenError: the transport failed; refusals by the server are in the results.
    """
    acknowledgment: Dict[str, str] = {"partitionId": lease.partition_id, "status": decision.status}
    if lease.lease_id is not None:
        acknowledgment["leaseId"] = lease.lease_id
    if decision.error is not None:
        acknowledgment["error"] = decision.error
    acknowledgments = [{**acknowledgment, "transactionId": identifier} for identifier in transaction_ids]
    request = acks.ack_batch(acknowledgments=cast("List[Acknowledgment]", acknowledgments), consumer_group=lease.group)
    body = codec.encode(request.body, operation="ack_batch", only_text=True)
    read = functools.partial(_several, transaction_ids=transaction_ids)
    return await _send(transport, request, lease, read, body=body, repeat_lost=repeat_lost)


async def send_in_transaction(
    transport: Transport,
    lease: LeaseKey,
    transaction_ids: Sequence[str],
    decision: Decision,
    *,
    repeat_lost: bool = True,
) -> List[AckResponse]:
    """As ``send_batch``, by the acks of a transaction: on server 0.7 they leave the count of failures as it is.

    Raises:
        QueenError: the transport failed; a refusal by the server is in all results.
    """
    operations = [ack_operation(lease, transaction_id, decision) for transaction_id in transaction_ids]
    request = transactions.commit(operations=operations)
    read = functools.partial(_committed, transaction_ids=transaction_ids, decision=decision)
    return await _send(transport, request, lease, read, repeat_lost=repeat_lost)


def ack_operation(lease: LeaseKey, transaction_id: str, decision: Decision) -> TransactionOperation:
    """An ack as it stands in a transaction, where ``failed`` is a dead letter at once on every server."""
    operation: Dict[str, Optional[str]] = {
        "type": "ack",
        "transactionId": transaction_id,
        "partitionId": lease.partition_id,
        "status": "failed" if decision.status == "dlq" else decision.status,
        "leaseId": lease.lease_id,
        "consumerGroup": lease.group,
        "error": decision.error,
    }
    return cast("TransactionOperation", {key: value for key, value in operation.items() if value is not None})


def is_lease_refusal(result: AckResponse) -> bool:
    """Whether the server refused an ack because its lease is over or somebody else's."""
    if result["success"]:
        return False
    error = result["error"] or ""
    return any(words in error for words in _LEASE_REFUSALS)


async def _send(
    transport: Transport,
    request: Request[T],
    lease: LeaseKey,
    read: Callable[[T], List[AckResponse]],
    *,
    body: Optional[bytes] = None,
    repeat_lost: bool = True,
) -> List[AckResponse]:
    reading = read_by(request, read)
    answer = await transport.exchange(reading, affinity=lease.affinity, body=body, repeat_lost=repeat_lost)
    results = answer.value
    if not answer.repeated:
        return results
    # An answer was lost. An ack that took effect is refused when it is repeated, if it ended the lease, and otherwise
    # counts once more, which can only end the lease early: messages come again, none is lost.
    return [uncertain(result) if is_lease_refusal(result) else result for result in results]


def _single(answer: object, transaction_id: str) -> List[AckResponse]:
    if isinstance(answer, list):
        return _listed(answer, [transaction_id])
    fields = an_object(answer)
    error, status = a_refusal(fields.get("error")), fields.get("status")
    if error is None and fields.get("success") is not True and not isinstance(status, str):
        raise ValueError("it tells neither that the ack took effect nor why not")
    return [ack_result(transaction_id, error, dlq=status == "failed_dlq")]


def _several(answer: object, transaction_ids: Sequence[str]) -> List[AckResponse]:
    if isinstance(answer, list):
        return _listed(answer, transaction_ids)
    fields = an_object(answer)
    if "results" not in fields:
        raise ServerRefusedError(operation="ack_batch", status=200, words=a_text(fields["error"]))
    entries = objects(fields["results"])
    _check_count(entries, transaction_ids)
    found = []
    for transaction_id, entry in zip(transaction_ids, entries):
        error = None if entry.get("success") else str(entry.get("error"))
        found.append(ack_result(transaction_id, error, dlq=entry.get("message") == "failed_dlq"))
    return found


def _listed(answer: object, transaction_ids: Sequence[str]) -> List[AckResponse]:
    entries = cast("List[Mapping[str, object]]", answer)
    _check_count(entries, transaction_ids)
    results: List[AckResponse] = []
    for transaction_id, entry in zip(transaction_ids, entries):
        error, released = entry.get("error"), entry.get("leaseReleased")
        refused = error if isinstance(error, str) else None if entry.get("success") else "unknown status"
        result: AckResponse = {
            "success": refused is None,
            "error": refused,
            "transactionId": transaction_id,
            "dlq": bool(entry.get("dlq")),
            "leaseReleased": released if isinstance(released, bool) else None,
        }
        results.append(result)
    return results


def _committed(answer: object, transaction_ids: Sequence[str], decision: Decision) -> List[AckResponse]:
    fields = an_object(answer)
    if fields.get("success") is True:
        return [ack_result(transaction_id, dlq=decision.status != "completed") for transaction_id in transaction_ids]
    refused = next(
        (result for result in objects(fields.get("results") or []) if result.get("success") is not True), fields
    )
    words = a_text(refused.get("error") or refused.get("message") or fields.get("error"))
    return [ack_result(transaction_id, words) for transaction_id in transaction_ids]


def _check_count(entries: Sequence[object], transaction_ids: Sequence[str]) -> None:
    if len(entries) != len(transaction_ids):
        raise ValueError(f"{len(entries)} results for {len(transaction_ids)} acks")
