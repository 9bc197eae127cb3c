"""Handlers and callbacks: what users pass in, sync or async, and how it is called."""

from __future__ import annotations

from typing import Any, Callable, List, Optional

import attrs

from queen.callbacks import MaybeAwaitable
from queen.errors import LeaseLostError
from queen.message import Message

# A handler takes one message, or a list of them with batch(n) without each(); which one is settled at run time.
Handler = Callable[[Any], MaybeAwaitable[object]]
SuccessCallback = Callable[[Any, Any], MaybeAwaitable[object]]
ErrorCallback = Callable[[Any, Exception], MaybeAwaitable[object]]
LeaseLostCallback = Callable[[List[Message], LeaseLostError], MaybeAwaitable[object]]


@attrs.frozen(kw_only=True)
class Callbacks:
    """What is told to the user beside the handler.

    Attributes:
        on_success: called with the message (or list) and the handler's result.
        on_error: called with the message (or list) and what the handler raised.
        on_lease_lost: called with the messages whose lease could not be renewed, and the error.
    """

    on_success: Optional[SuccessCallback] = None
    on_error: Optional[ErrorCallback] = None
    on_lease_lost: Optional[LeaseLostCallback] = None

    @property
    def settle(self) -> bool:
        """Whether the user's callbacks settle messages, so that the loop leaves it to them."""
        return self.on_success is not None or self.on_error is not None
