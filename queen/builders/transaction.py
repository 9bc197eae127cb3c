"""A transaction: ``queen.transaction().ack(message).queue("next").push([...]).commit()``."""

from __future__ import annotations

import asyncio
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Type,
    Union,
    overload,
)

from typing_extensions import TypeVar

from queen import validation
from queen.errors import OutcomeUnknownError, QueenError
from queen.message_fields import MessageFields
from queen.operations.push import gives_id, item_list, push_items
from queen.operations.settle import AnyMessage, checked_context, lease_key, message_list
from queen.operations.transaction import TransactionAck, TransactionPush, commit
from queen.settling.decision import COMPLETED, Decision, decision
from queen.settling.settler import Settler
from queen.types import TransactionResponse, TypedItems

if TYPE_CHECKING:
    from queen.operations.typed_payloads import TypedPayloads

M = TypeVar("M")
# What a push takes one or several of.
P = TypeVar("P", default=Mapping[str, object])


class TransactionBuilder:
    """Collects acks and pushes that are committed together; each call adds to this one transaction."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._acks: List[TransactionAck] = []
        self._pushes: List[TransactionPush] = []
        self._committed = False
        self._in_doubt = False

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

    @overload
    def queue(self, name: str) -> TransactionQueueBuilder: ...

    @overload
    def queue(self, name: str, *, model: Type[M]) -> TransactionQueueBuilder[TypedItems[M]]: ...

    def queue(
        self, name: str, *, model: Optional[Type[M]] = None
    ) -> Union[TransactionQueueBuilder, TransactionQueueBuilder[TypedItems[M]]]:
        """The queue that the next ``push`` goes to.

        Args:
            name: its name.
            model: what the pushed payloads are instances of, as in ``Queen.queue``.

        Raises:
            TypeError, ValueError: a name that no path can hold, or what is no model.
            ConfigurationError: what reads and writes the model is not installed.
        """
        checked = validation.path_name("queue", name)
        if model is None:
            return TransactionQueueBuilder(self, checked)
        # Imported here, since most programs do without it.
        from queen.operations.typed_payloads import typed_payloads

        return TransactionQueueBuilder(self, checked, payloads=typed_payloads(model))

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


class TransactionQueueBuilder(Generic[P]):
    """A queue, and perhaps a partition, to push to inside a transaction."""

    def __init__(
        self,
        transaction: TransactionBuilder,
        queue: str,
        partition: Optional[str] = None,
        payloads: Optional[TypedPayloads[Any]] = None,
    ) -> None:
        self._transaction = transaction
        self._queue = queue
        self._partition = partition
        self._payloads = payloads

    def partition(self, name: str) -> TransactionQueueBuilder[P]:
        """The partition that the next ``push`` goes to."""
        checked = validation.text("partition", name)
        return TransactionQueueBuilder(self._transaction, self._queue, checked, self._payloads)

    def push(self, payload: Union[P, Iterable[P]]) -> TransactionBuilder:
        """Push messages when the transaction is committed; ``payload`` is as for ``queue().push``."""
        if self._payloads is None:
            listed = item_list(payload)
            wire = push_items(self._queue, self._partition, listed)
        else:
            listed = self._payloads.item_list(payload)
            wire = self._payloads.push_items(self._queue, self._partition, listed)
        pushes = [TransactionPush(item, made_id=not gives_id(given)) for item, given in zip(wire, listed)]
        return self._transaction.push_all(pushes)


def _transactional(status: object, context: Optional[Mapping[str, object]]) -> Decision:
    error, _ = checked_context(context)
    decided = decision(status, error)
    if decided.status in ("failed", "retry"):
        raise ValueError(
            f"status={validation.shown(status)} cannot be part of a transaction; accepted are True, 'completed', "
            "'failed' and 'dlq' (a dead letter); for a retry, ack outside the transaction"
        )
    return COMPLETED if decided.status == "completed" else decided
