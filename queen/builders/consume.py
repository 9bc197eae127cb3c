"""Consuming: ``queen.queue("orders").consume(handler)``."""

from __future__ import annotations

import asyncio
from typing import Any, Coroutine, Optional

import attrs
from typing_extensions import Self, override

from queen.builders.operation import Operation
from queen.builders.services import Services
from queen.callbacks import check_callable
from queen.consuming.consumer import Consumer
from queen.consuming.handlers import Callbacks, ErrorCallback, Handler, LeaseLostCallback, SuccessCallback
from queen.consuming.options import ConsumeOptions


class ConsumeBuilder(Operation[None]):
    """Workers that run when they are awaited, until the limit, the idle time or the signal ends them."""

    def __init__(
        self,
        services: Services,
        options: ConsumeOptions,
        handler: Handler,
        signal: Optional[asyncio.Event],
    ) -> None:
        self._services = services
        self._options = options
        self._handler = handler
        self._signal = signal
        self._callbacks = Callbacks()

    def on_success(self, callback: SuccessCallback) -> Self:
        """Call ``callback(message, result)`` when the handler returned.

        With this or ``on_error`` nothing is acknowledged but by your own code, success and failure alike: what no
        callback settles comes again when its lease ends.
        """
        self._check_not_started("on_success")
        check_callable("on_success", callback, 2)
        self._callbacks = attrs.evolve(self._callbacks, on_success=callback)
        return self

    def on_error(self, callback: ErrorCallback) -> Self:
        """Call ``callback(message, error)`` when the handler raised.

        With this or ``on_success`` nothing is acknowledged but by your own code, success and failure alike: what no
        callback settles comes again when its lease ends.
        """
        self._check_not_started("on_error")
        check_callable("on_error", callback, 2)
        self._callbacks = attrs.evolve(self._callbacks, on_error=callback)
        return self

    def on_lease_lost(self, callback: LeaseLostCallback) -> Self:
        """Call ``callback(messages, error)`` when a lease could not be renewed while the handler works."""
        self._check_not_started("on_lease_lost")
        check_callable("on_lease_lost", callback, 2)
        self._callbacks = attrs.evolve(self._callbacks, on_lease_lost=callback)
        return self

    @override
    def _run(self) -> Coroutine[Any, Any, None]:
        consumer = Consumer(
            self._services.transport, self._services.source, self._options, self._handler, self._callbacks, self._signal
        )
        return self._services.consumers.run(consumer)
