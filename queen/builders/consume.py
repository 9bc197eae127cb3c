"""Consuming: ``queen.queue("orders").consume(handler)``."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Coroutine, Optional

import attrs
from typing_extensions import Self, override

from queen.builders.operation import Operation
from queen.builders.services import Services
from queen.callbacks import check_callable
from queen.consuming.consumer import Consumer
from queen.consuming.handle import ConsumerHandle
from queen.consuming.handlers import Callbacks, ErrorCallback, Handler, LeaseLostCallback, SuccessCallback
from queen.consuming.options import ConsumeOptions
from queen.operations.lag import consumer_lag


class ConsumeBuilder(Operation[None]):
    """Workers that run when they are awaited, until the limit, the idle time or the signal ends them.

    ``start()`` runs them beside the program instead.
    """

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

    def start(self) -> ConsumerHandle:
        """Run the workers in a task of their own, beside the program.

        Returns:
            What says how they are, and ends them.

        Raises:
            ClientClosedError: the client is closed.
            WrongEventLoopError: the client belongs to another event loop or process.
            RuntimeError: there is no running event loop, or this was awaited or started before.
        """
        self._check_not_started("start")
        self._services.transport.check_usable("consume")
        consumer, options = self._consumer(), self._options.pop
        task = self._services.consumers.start(consumer)
        # A coroutine that is over raises when it is awaited.
        self._coroutine = consumer.run()
        self._coroutine.close()
        lag = functools.partial(consumer_lag, self._services.transport, options)
        return ConsumerHandle(options.name, task, consumer.stop, consumer.progress, lag)

    @override
    def _run(self) -> Coroutine[Any, Any, None]:
        return self._services.consumers.run(self._consumer())

    def _consumer(self) -> Consumer:
        return Consumer(
            self._services.transport, self._services.source, self._options, self._handler, self._callbacks, self._signal
        )
