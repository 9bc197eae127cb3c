"""What happens to one popped batch: the handler is called, and each message is settled by how that ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Awaitable, Dict, List, Optional, Sequence, Union, cast

from queen import logs
from queen.callbacks import call
from queen.consuming.ending import Ending
from queen.consuming.handlers import Callbacks, Handler, tell
from queen.consuming.lease_keeper import LeaseKeeper
from queen.consuming.misfits import Misfits
from queen.consuming.options import ConsumeOptions
from queen.consuming.progress import Progress
from queen.errors import ClientClosedError, QueenError
from queen.message import Message
from queen.settling.decision import decision, reason_of
from queen.settling.ledger import Ledger
from queen.types import AckResponse

if TYPE_CHECKING:
    from queen_api.models import PoppedMessage

    from queen.hooks.calls import HookCalls


class Processor:
    """Hands popped messages to a handler and settles them.

    Args:
        options: how to consume.
        handler: takes one message, or a list.
        callbacks: what else is told to the user.
        keeper: renews leases meanwhile.
        ending: tells when no further message shall be started.
        progress: notes what is done.
        hooks: told of each call of the handler.
    """

    def __init__(
        self,
        options: ConsumeOptions,
        handler: Handler,
        callbacks: Callbacks,
        keeper: LeaseKeeper,
        ending: Ending,
        progress: Progress,
        hooks: Optional[HookCalls] = None,
    ) -> None:
        self._one_by_one = options.one_by_one
        self._auto_ack = options.auto_ack and not callbacks.settle
        self._handler = handler
        self._callbacks = callbacks
        self._keeper = keeper
        self._ending = ending
        self._progress = progress
        self._hooks = hooks
        self._group = options.pop.group
        self._misfits = None if options.payloads is None else Misfits(options.misfits, callbacks.on_error, progress)

    async def process(self, messages: List[Message]) -> int:
        """Process a batch.

        Returns:
            How many messages were handed to the handler, or did not fit their model.
        """
        if self._ending.begun:
            await give_back(messages)
            return 0
        async with self._keeper.keeping(messages):
            if self._one_by_one:
                return await self._process_each(messages)
            return await self._process_together(messages)

    async def _process_each(self, messages: List[Message]) -> int:
        handled = 0
        for position, message in enumerate(messages):
            if self._ending.begun:
                await give_back(messages[position:])
                break
            # After a nack, or when the lease is lost, the rest of its partition comes again: to handle it now would
            # be to handle it twice.
            if message.lease_lost or (message.ledger is not None and message.ledger.has_unsent_failure):
                continue
            handled += 1
            if self._misfits is not None and not await self._misfits.taken_out([message]):
                continue
            ledger = message.ledger
            if await self._handle(message, [message]) and ledger is not None:
                await self._acknowledge(ledger.complete(message.transaction_id))
        return handled

    async def _process_together(self, messages: List[Message]) -> int:
        count = len(messages)
        if self._misfits is not None:
            messages = await self._misfits.taken_out(messages)
            if not messages:
                return count
        # Kept from before the handler gets the list, which it may change.
        popped = list(messages)
        if await self._handle(messages, popped):
            for ledger in dict.fromkeys([message.ledger for message in popped]):
                if ledger is not None:
                    await self._acknowledge(ledger.complete_rest())
        return count

    async def _handle(self, subject: Union[Message, List[Message]], messages: Sequence[Message]) -> bool:
        """Call the handler; True when it succeeded and the loop is to acknowledge."""
        progress, count = self._progress, len(messages)
        progress.in_hand += count
        try:
            if self._hooks is None:
                result = await call(self._handler, subject)
            else:
                result = await self._call_in_hooks(self._hooks, subject, messages)
        except Exception as error:  # noqa: BLE001  (whatever a handler raises is a failure of its message)
            progress.failed += count
            progress.last_error = error
            await self._failed(subject, messages, error)
            return False
        finally:
            progress.in_hand -= count
        progress.handled += count
        if self._callbacks.on_success is not None:
            await tell("on_success", self._callbacks.on_success, subject, result)
        return self._auto_ack

    async def _call_in_hooks(
        self, hooks: HookCalls, subject: Union[Message, List[Message]], messages: Sequence[Message]
    ) -> object:
        from queen.hooks.events import Process

        process = Process(
            servers=hooks.servers,
            queue=messages[0].queue,
            group=self._group,
            messages=cast("Sequence[PoppedMessage]", messages),
            batch=not self._one_by_one,
        )
        with hooks.processing(process):
            return await call(self._handler, subject)

    async def _failed(
        self, subject: Union[Message, List[Message]], messages: Sequence[Message], error: Exception
    ) -> None:
        where = {"queue": messages[0].get("queue"), "transactionId": messages[0].get("transactionId")}
        reason = reason_of(error)
        failed = f"{type(error).__name__}: {reason}"
        logs.event(logging.WARNING, "ConsumeBuilder.handler", error, **where, failed=failed)
        if self._callbacks.on_error is not None:
            await tell("on_error", self._callbacks.on_error, subject, error)
        if not self._auto_ack:
            return
        for ledger, own in _by_ledger(messages).items():
            try:
                await self._nack(ledger, own, reason, alone=isinstance(subject, Message))
            except ClientClosedError:
                raise
            except QueenError as settling:
                # The lease brings the messages back.
                logs.event(logging.WARNING, "ConsumeBuilder.nack", failed=str(settling))

    @staticmethod
    async def _nack(ledger: Ledger, messages: Sequence[Message], reason: str, *, alone: bool) -> None:
        identifiers = [message.transaction_id for message in messages]
        if not alone:
            await ledger.fail_first(reason)
            await ledger.give_back(identifiers)
        elif not ledger.is_decided(identifiers[0]):
            await ledger.settle({identifiers[0]: decision(False, reason)})

    async def _acknowledge(self, acks: Awaitable[Sequence[AckResponse]]) -> None:
        try:
            results = await acks
        except ClientClosedError:
            raise
        except QueenError as error:
            # The work is done; only the message may come again, when its lease runs out.
            self._progress.last_error = error
            logs.event(logging.ERROR, "ConsumeBuilder.ack", failed=str(error))
        else:
            for result in results:
                if not result["success"]:
                    facts = {"transactionId": result["transactionId"], "refused": result["error"]}
                    logs.event(logging.WARNING, "ConsumeBuilder.ack", **facts)


async def give_back(messages: Sequence[Message]) -> None:
    """Give messages that were not started back to the server, so that others get them before the lease runs out."""
    for ledger, own in _by_ledger(messages).items():
        try:
            await ledger.give_back([message.transaction_id for message in own])
        except QueenError as error:
            logs.event(logging.WARNING, "ConsumeBuilder.give_back", failed=str(error))


def _by_ledger(messages: Sequence[Message]) -> Dict[Ledger, List[Message]]:
    grouped: Dict[Ledger, List[Message]] = {}
    for message in messages:
        if message.ledger is not None:
            grouped.setdefault(message.ledger, []).append(message)
    return grouped
