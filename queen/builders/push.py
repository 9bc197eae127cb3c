"""A push: ``queen.queue("orders").push([...])``."""

from __future__ import annotations

from typing import Any, Callable, Coroutine, Generic, List, Sequence

import attrs
from typing_extensions import Self, TypeVar, override

from queen.builders.operation import Operation
from queen.callbacks import check_callable
from queen.operations.push import IdentifiedItem
from queen.operations.push_callbacks import NO_CALLBACKS, PushCallback, PushCallbacks, PushErrorCallback
from queen.types import PushResponse

R = TypeVar("R", default=List[PushResponse])

Pusher = Callable[[Sequence[IdentifiedItem], PushCallbacks], Coroutine[Any, Any, R]]


class PushBuilder(Operation[R], Generic[R]):
    """A push that happens when it is awaited.

    Its result is a list with one result for each item, in their order: ``status`` (``queued``, ``duplicate`` or
    ``buffered``), ``transaction_id`` and ``message_id``. A push into a client-side buffer results in ``buffered``
    (True) and ``count``; its callbacks are called after the flush.
    """

    def __init__(self, pusher: Pusher[R], items: Sequence[IdentifiedItem]) -> None:
        self._pusher = pusher
        self._items = items
        self._callbacks = NO_CALLBACKS

    def on_success(self, callback: PushCallback) -> Self:
        """Call ``callback(items)`` when the server accepted the push."""
        self._check_not_started("on_success")
        check_callable("on_success", callback, 1)
        self._callbacks = attrs.evolve(self._callbacks, on_success=callback)
        return self

    def on_error(self, callback: PushErrorCallback) -> Self:
        """Call ``callback(items, error)`` when the push failed, instead of raising the error.

        The results then say ``failed`` for each item. Of a push into a buffer, the callback gets what the server
        refused; failures that may pass are repeated.
        """
        self._check_not_started("on_error")
        check_callable("on_error", callback, 2)
        self._callbacks = attrs.evolve(self._callbacks, on_error=callback)
        return self

    def on_duplicate(self, callback: PushErrorCallback) -> Self:
        """Call ``callback(items, error)`` with the items whose transaction ids were taken."""
        self._check_not_started("on_duplicate")
        check_callable("on_duplicate", callback, 2)
        self._callbacks = attrs.evolve(self._callbacks, on_duplicate=callback)
        return self

    @override
    def _run(self) -> Coroutine[Any, Any, R]:
        return self._pusher(self._items, self._callbacks)
