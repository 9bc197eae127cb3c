"""A push: ``queen.queue("orders").push([...])``."""

from __future__ import annotations

import logging
from typing import Any, Callable, Coroutine, List, Optional, Sequence, cast

from typing_extensions import Self, override

from queen import logs
from queen.builders.operation import Operation
from queen.consuming.handlers import ErrorCallback, MaybeAwaitable, call
from queen.errors import PushRejectedError, QueenError, ServerRefusedError
from queen.operations.push import DEFAULT_PARTITION, IdentifiedItem, push
from queen.transport.transport import Transport
from queen.types import PushResponse

PushCallback = Callable[[Sequence[IdentifiedItem]], MaybeAwaitable[object]]


class PushBuilder(Operation[List[PushResponse]]):
    """A push that is sent when it is awaited; its result is a list with one result for each item, in their order.

    Each result has ``status`` (``queued``, ``duplicate`` or ``buffered``), ``transaction_id`` and ``message_id``.
    """

    def __init__(self, transport: Transport, items: List[IdentifiedItem]) -> None:
        self._transport = transport
        self._items = items
        self._on_success: Optional[PushCallback] = None
        self._on_error: Optional[ErrorCallback] = None
        self._on_duplicate: Optional[ErrorCallback] = None

    def on_success(self, callback: PushCallback) -> Self:
        """Call ``callback(items)`` when the push went well."""
        self._check_not_started("on_success")
        self._on_success = callback
        return self

    def on_error(self, callback: ErrorCallback) -> Self:
        """Call ``callback(items, error)`` when the push failed, instead of raising the error.

        The results then say ``failed`` for each item.
        """
        self._check_not_started("on_error")
        self._on_error = callback
        return self

    def on_duplicate(self, callback: ErrorCallback) -> Self:
        """Call ``callback(items, error)`` with the items whose transaction ids were taken."""
        self._check_not_started("on_duplicate")
        self._on_duplicate = callback
        return self

    @override
    def _run(self) -> Coroutine[Any, Any, List[PushResponse]]:
        return self._push()

    async def _push(self) -> List[PushResponse]:
        if self._items and logs.enabled(logging.DEBUG):
            first = self._items[0]
            partition = first.get("partition", DEFAULT_PARTITION)
            logs.event(
                logging.DEBUG, "QueueBuilder.push", queue=first["queue"], partition=partition, count=len(self._items)
            )
        try:
            results = await push(self._transport, self._items)
        except QueenError as error:
            if self._on_error is None:
                raise
            if isinstance(error, PushRejectedError):
                refused = [item for item, result in zip(self._items, error.results) if result["status"] == "failed"]
                await call(self._on_error, refused, error)
                return cast("List[PushResponse]", error.results)
            await call(self._on_error, self._items, error)
            return [_failed(item) for item in self._items]
        await self._tell(results)
        return results

    async def _tell(self, results: List[PushResponse]) -> None:
        duplicates = [item for item, result in zip(self._items, results) if result["status"] == "duplicate"]
        if duplicates and self._on_duplicate is not None:
            identifiers = ", ".join(item["transactionId"] for item in duplicates)
            words = f"these transaction ids are taken: {identifiers}"
            await call(self._on_duplicate, duplicates, ServerRefusedError(operation="push", status=200, words=words))
        if self._on_success is not None and len(duplicates) < len(self._items):
            await call(self._on_success, self._items)


def _failed(item: IdentifiedItem) -> PushResponse:
    return {"status": "failed", "transaction_id": item["transactionId"]}
