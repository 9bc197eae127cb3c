"""Handlers and callbacks: what users pass in, sync or async, and how it is called."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Union

import attrs
from typing_extensions import TypeVar

from queen import logs
from queen.callbacks import MaybeAwaitable, call
from queen.errors import LeaseLostError
from queen.message import Message

T = TypeVar("T")

# A handler takes one message, or a list of them with batch(n) without each(); which one is settled at run time.
Handler = Callable[[Any], MaybeAwaitable[object]]
TypedHandler = Union[
    Callable[[Message[T]], MaybeAwaitable[object]],
    Callable[[List[Message[T]]], MaybeAwaitable[object]],
]
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


async def tell(name: str, callback: Callable[..., MaybeAwaitable[object]], *arguments: object) -> None:
    """Call a callback; one that fails is logged, and must not end the consumer."""
    try:
        await call(callback, *arguments)
    except Exception as error:  # noqa: BLE001  (whatever a callback raises)
        logs.logger.exception("the %s callback raised %s", name, type(error).__name__)
