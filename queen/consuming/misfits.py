"""Messages whose payloads do not fit the model of their queue: they are settled, and the handler never sees them."""

from __future__ import annotations

import logging
from typing import Dict, List, Mapping, Optional, Set

from queen import logs
from queen.consuming.handlers import ErrorCallback, tell
from queen.consuming.options import MisfitFate
from queen.consuming.progress import Progress
from queen.errors import ClientClosedError, PayloadError, QueenError
from queen.message import Message
from queen.settling.decision import Decision, decision, reason_of
from queen.settling.ledger import Ledger


class Misfits:
    """Takes misfits out of what was popped.

    They are settled whoever acknowledges the other messages: nobody else has seen them. What is decided for them is
    sent when all before them in their partition are settled.

    Args:
        fate: ``dead_letter`` at once; or ``error``: told to ``on_error``, which settles them, or counted as failed
            where there is none.
        on_error: called with a message and the error.
        progress: counts them as failed.
    """

    def __init__(self, fate: MisfitFate, on_error: Optional[ErrorCallback], progress: Progress) -> None:
        self._fate = fate
        self._on_error = on_error
        self._progress = progress

    async def taken_out(self, messages: List[Message]) -> List[Message]:
        """The messages that are left for the handler.

        Behind a dead letter those are all. What is behind a failure in its partition comes again when that is counted:
        it is given back with it, and not handled twice.
        """
        errors = [_misfit(message) for message in messages]
        if not any(errors):
            return messages
        fitting: List[Message] = []
        decided: Dict[Ledger, Dict[str, Decision]] = {}
        failing: Set[Ledger] = set()
        for message, error in zip(messages, errors):
            ledger = message.ledger
            assert ledger is not None  # as of every message that a client popped
            if ledger.over:
                continue  # it comes again
            if ledger in failing:
                own: Optional[Decision] = Decision("retry")
            elif error is None:
                fitting.append(message)
                continue
            else:
                own = await self._decision(message, error)
                if ledger.has_unsent_failure or (own is not None and own.status == "failed"):
                    failing.add(ledger)
            if own is not None:
                decided.setdefault(ledger, {})[message.transaction_id] = own
        for ledger, decisions in decided.items():
            await _settle(ledger, decisions)
        return [message for message in fitting if not message.lease_lost]

    async def _decision(self, message: Message, error: Exception) -> Optional[Decision]:
        """How a misfit ends; None where the user was told and decides."""
        self._progress.failed += 1
        self._progress.last_error = error
        fate = self._fate if isinstance(error, PayloadError) else "error"
        facts = {"queue": message.get("queue"), "transactionId": message.transaction_id, "fate": fate}
        logs.event(logging.WARNING, "ConsumeBuilder.misfit", error, **facts, failed=reason_of(error))
        if fate == "dead_letter":
            return decision("dlq", reason_of(error))
        if self._on_error is None:
            return decision(False, reason_of(error))
        await tell("on_error", self._on_error, message, error)
        return None


def _misfit(message: Message) -> Optional[Exception]:
    """Why the payload of a message cannot be read; None where it can."""
    try:
        _ = message.data
    except Exception as error:  # noqa: BLE001  (a validator that a user wrote may raise anything; the loop goes on)
        return error
    return None


async def _settle(ledger: Ledger, decisions: Mapping[str, Decision]) -> None:
    try:
        results = await ledger.settle(decisions)
    except ClientClosedError:
        raise
    except QueenError as error:
        # They stay noted, and are sent before what is settled next; or the lease brings them back.
        logs.event(logging.WARNING, "ConsumeBuilder.misfit", failed=str(error))
        return
    for identifier, result in results.items():
        if not result["success"] and decisions[identifier].status != "retry":
            facts = {"transactionId": identifier, "refused": result["error"]}
            logs.event(logging.WARNING, "ConsumeBuilder.misfit", **facts)
