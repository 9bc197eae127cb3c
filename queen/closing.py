"""The end of a client."""

from __future__ import annotations

from queen.builders.services import Services


class Closing:
    """Closes what a client consists of.

    Args:
        services: the parts of the client.

    Attributes:
        closed: whether nothing more can be done with the client.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._transport = services.transport
        self.closed = False

    async def close(self) -> None:
        """End the consumers, wait for handlers that are under way, send what is buffered, close all connections.

        Raises:
            QueenBufferError: buffered messages could not be sent.
            WrongEventLoopError: the client was used in another event loop.
        """
        if not self._transport.home.is_here():
            self._close_elsewhere()
            return
        seconds = self._transport.timeout
        try:
            # Handlers that are under way may still push.
            await self._services.consumers.stop(seconds)
        finally:
            self.closed = True
            try:
                await self._services.buffers.close(seconds)
            finally:
                await self._transport.close()

    def _close_elsewhere(self) -> None:
        home = self._transport.home
        if not home.in_this_process():
            self.closed = True
            self._transport.abandon()
            return
        error = home.error("close")
        if home.is_over() and not self.closed:
            self.closed = True
            self._transport.abandon()
            error.unsent = self._services.buffers.abandon()
        elif self.closed:
            return
        raise error
