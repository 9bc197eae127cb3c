"""What is told to the user of a push, beside its result."""

from __future__ import annotations

from typing import Awaitable, Callable, List, Optional, Sequence, cast

import attrs
from typing_extensions import Final

from queen.callbacks import MaybeAwaitable, call
from queen.errors import PushRejectedError, QueenError, ServerRefusedError
from queen.operations.push import IdentifiedItem, push
from queen.transport.transport import Transport
from queen.types import PushResponse

PushCallback = Callable[[Sequence[IdentifiedItem]], MaybeAwaitable[object]]
PushErrorCallback = Callable[[Sequence[IdentifiedItem], Exception], MaybeAwaitable[object]]


@attrs.frozen(kw_only=True)
class PushCallbacks:
    """Callbacks of one push.

    Attributes:
        on_success: called with the items when the push went well.
        on_error: called with the items that were not accepted, and the error.
        on_duplicate: called with the items whose transaction ids were taken, and an error that names the ids.
    """

    on_success: Optional[PushCallback] = None
    on_error: Optional[PushErrorCallback] = None
    on_duplicate: Optional[PushErrorCallback] = None

    async def accepted(self, items: Sequence[IdentifiedItem], results: Sequence[PushResponse]) -> None:
        """Tell of a push that the server accepted."""
        duplicates = [item for item, result in zip(items, results) if result["status"] == "duplicate"]
        if duplicates and self.on_duplicate is not None:
            identifiers = ", ".join(item["transactionId"] for item in duplicates)
            words = f"these transaction ids are taken: {identifiers}"
            await call(self.on_duplicate, duplicates, ServerRefusedError(operation="push", status=200, words=words))
        if self.on_success is not None and len(duplicates) < len(items):
            await call(self.on_success, items)

    async def refused(self, items: Sequence[IdentifiedItem], error: QueenError) -> None:
        """Tell of items that were not accepted."""
        if self.on_error is not None:
            await call(self.on_error, items, error)


NO_CALLBACKS: Final = PushCallbacks()


async def push_and_tell(
    transport: Transport,
    items: Sequence[IdentifiedItem],
    callbacks: PushCallbacks,
    *,
    send: Callable[[Transport, Sequence[IdentifiedItem]], Awaitable[List[PushResponse]]] = push,
) -> List[PushResponse]:
    """Push, and call what the user gave for how it ends.

    With an ``on_error`` callback no failure is raised: the results say ``failed`` for the items concerned.

    Args:
        transport: sends it.
        items: what is pushed.
        callbacks: what the user gave.
        send: pushes.

    Raises:
        QueenError: the push failed, and there is no ``on_error``.
    """
    try:
        results = await send(transport, items)
    except QueenError as error:
        if callbacks.on_error is None:
            raise
        if isinstance(error, PushRejectedError):
            refused = [item for item, result in zip(items, error.results) if result["status"] == "failed"]
            await callbacks.refused(refused, error)
            return cast("List[PushResponse]", error.results)
        await callbacks.refused(items, error)
        return [{"status": "failed", "transaction_id": item["transactionId"]} for item in items]
    await callbacks.accepted(items, results)
    return results
