"""A transaction: ``queen.transaction().ack(message).queue("next").push([...]).commit()``."""

from __future__ import annotations

import asyncio
from typing import Callable, List, Mapping, Optional, Sequence, Union

from queen import validation
from queen.errors import OutcomeUnknownError, QueenError
from queen.identifiers import changeable_transaction_id, transaction_id
from queen.message_fields import MessageFields
from queen.operations.push import Items, item_list, push_items
from queen.operations.settle import AnyMessage, checked_context, lease_key, message_list
from queen.operations.transaction import TransactionAck, TransactionPush, commit
from queen.settling.decision import COMPLETED, Decision, decision
from queen.settling.settler import Settler
from queen.types import TransactionResponse


class TransactionBuilder:
    """Collects acks and pushes that are committed together; each call adds to this one transaction."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._acks: List[TransactionAck] = []
        self._pushes: List[TransactionPush] = []
        self._committed = False
        self._in_doubt = False

    @property
    def make_id(self) -> Callable[[], str]:
        """Makes the transaction ids of pushed items."""
        return transaction_id if self._settler.transport.hooks is None else changeable_transaction_id

    def ack(
        self,
        messages: Union[AnyMessage, Sequence[AnyMessage]],
        status: object = True,
        context: Optional[Mapping[str, object]] = None,
    ) -> TransactionBuilder:
        """Acknowledge a message, or several, when the transaction is committed.

        Args:
            messages: a popped message, or a list of them.
            status: True, or ``"completed"``; ``"failed"`` or ``"dlq"`` makes a dead letter. A counted failure and a
                give-back are no part of transactions on any server: nack outside.
            context: ``error``, the reason kept with a dead letter.

        Raises:
            ValueError: a status that a transaction cannot have.
        """
        self._check_not_committed("ack")
        decided = _transactional(status, context)
        listed = [messages] if isinstance(messages, (MessageFields, Mapping)) else message_list("messages", messages)
        for message in listed:
            lease_key(message)
        self._acks.extend(TransactionAck(message, decided) for message in listed)
        return self

    def queue(self, name: str) -> TransactionQueueBuilder:
        """The queue that the next ``push`` goes to."""
        return TransactionQueueBuilder(self, validation.path_name("queue", name))

    async def commit(self) -> TransactionResponse:
        """Send it: everything happens, or nothing.

        Returns:
            ``success`` (True), ``transactionId`` and ``results``.

        Raises:
            ValueError: it is empty.
            RuntimeError: it was committed before.
            TransactionError: the server refused it; nothing of it happened.
            OutcomeUnknownError: the answer was lost, and the server cannot tell what happened. Committing once more may
                find out.
            QueenError: the transport failed; nothing of it happened.
        """
        self._check_not_committed("commit")
        try:
            response = await self._commit()
        except (OutcomeUnknownError, asyncio.CancelledError):
            self._in_doubt = True
            raise
        except QueenError as error:
            if not self._in_doubt:
                raise
            # This attempt did nothing, perhaps without being sent; an earlier one may have done everything.
            words = f"commit: the answer of an earlier attempt was lost, and this one failed: {error}"
            raise OutcomeUnknownError(words, operation="commit") from error
        self._committed = True
        return response

    async def _commit(self) -> TransactionResponse:
        hooks = self._settler.transport.hooks
        if hooks is None:
            return await commit(self._settler, self._acks, self._pushes, in_doubt=self._in_doubt)
        # Imported here, since most clients have none.
        from queen.operations.hooked import commit_in_hooks

        return await commit_in_hooks(self._settler, hooks, self._acks, self._pushes, in_doubt=self._in_doubt)

    def push_all(self, pushes: List[TransactionPush]) -> TransactionBuilder:
        """Add items that are checked already; ``queue(name).push(items)`` is how to make them."""
        self._check_not_committed("push")
        self._pushes.extend(pushes)
        return self

    def _check_not_committed(self, method: str) -> None:
        if self._committed:
            raise RuntimeError(f"{method}(): this transaction was committed before; make a new one")


class TransactionQueueBuilder:
    """A queue, and perhaps a partition, to push to inside a transaction."""

    def __init__(self, transaction: TransactionBuilder, queue: str, partition: Optional[str] = None) -> None:
        self._transaction = transaction
        self._queue = queue
        self._partition = partition

    def partition(self, name: str) -> TransactionQueueBuilder:
        """The partition that the next ``push`` goes to."""
        return TransactionQueueBuilder(self._transaction, self._queue, validation.text("partition", name))

    def push(self, payload: Items) -> TransactionBuilder:
        """Push messages when the transaction is committed; ``payload`` is as for ``queue().push``."""
        listed = item_list(payload)
        wire = push_items(self._queue, self._partition, listed, self._transaction.make_id)
        pushes = [TransactionPush(item, made_id=not _gives_id(given)) for item, given in zip(wire, listed)]
        return self._transaction.push_all(pushes)


def _gives_id(item: object) -> bool:
    return isinstance(item, Mapping) and bool(item.get("transactionId") or item.get("transaction_id"))


def _transactional(status: object, context: Optional[Mapping[str, object]]) -> Decision:
    error, _ = checked_context(context)
    decided = decision(status, error)
    if decided.status in ("failed", "retry"):
        raise ValueError(
            f"status={validation.shown(status)} cannot be part of a transaction; accepted are True, 'completed', "
            "'failed' and 'dlq' (a dead letter); for a retry, ack outside the transaction"
        )
    return COMPLETED if decided.status == "completed" else decided
