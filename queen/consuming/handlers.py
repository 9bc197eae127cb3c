"""Handlers and callbacks: what users pass in, sync or async, and how it is called."""

from __future__ import annotations

import inspect
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


def check_handler(handler: object) -> None:
    """Refuse what cannot handle a message, before any message is popped for it.

    Raises:
        TypeError: no function, a function of another number of arguments, or a generator, whose body would never run.
    """
    if not callable(handler):
        raise TypeError(f"handler={handler!r} is a {type(handler).__name__}; accepted is a function of one argument")
    if inspect.isasyncgenfunction(handler) or inspect.isgeneratorfunction(handler):
        raise TypeError(f"handler={handler!r} is a generator, whose body would never run; accepted is a function")
    try:
        signature = inspect.signature(handler)
    except ValueError:  # some functions written in C do not tell theirs
        return
    try:
        signature.bind(object())
    except TypeError as error:
        raise TypeError(f"handler={handler!r}: {error}; accepted is a function of one argument") from None
