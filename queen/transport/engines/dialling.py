"""From a name to a connected socket: all its addresses are tried, the next one when one is slow (RFC 8305).

asyncio's own ``create_connection`` can do that too, but forgets to close a socket that is connected in the moment in
which its request is cancelled, and other loops, as uvloop's, cannot.
"""

from __future__ import annotations

import asyncio
import socket
from itertools import chain, zip_longest
from typing import Any, List, Optional, Sequence, Set, Tuple

from typing_extensions import Final

_NEXT_ADDRESS_SECONDS: Final = 0.25

# Family, type, protocol, canonical name and address, as ``getaddrinfo`` gives them; addresses differ by family.
_Address = Tuple[int, int, int, str, Any]


async def dial(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """A socket connected to one of the addresses of a host.

    Args:
        loop: the running loop.
        host: a name or an address.
        port: the port.

    Raises:
        OSError: the name has no address, or none of them can be connected to; the first one's error.
    """
    # A host that is an address needs no thread to be looked up.
    addresses = _numeric(host, port) or await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if len(addresses) == 1:
        return await _connected(loop, addresses[0])
    return await _Race(loop).run(_in_turn(addresses))


def _numeric(host: str, port: int) -> Sequence[_Address]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return ()


def _in_turn(addresses: Sequence[_Address]) -> List[_Address]:
    """IPv6 and IPv4 by turns, beginning with what the system prefers: one of the two may lead nowhere."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for address in chain.from_iterable(zip_longest(first, others)) if address is not None]


async def _connected(loop: asyncio.AbstractEventLoop, address: _Address) -> socket.socket:
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


class _Race:
    """Attempts side by side; the first socket that is connected wins, and the others are closed.

    Args:
        loop: the running loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._won: asyncio.Future[socket.socket] = loop.create_future()
        self._running: Set[asyncio.Task[socket.socket]] = set()
        self._first_error: Optional[BaseException] = None

    async def run(self, addresses: Sequence[_Address]) -> socket.socket:
        """The winner.

        Raises:
            OSError: there is none.
        """
        taken = False
        try:
            for address in addresses:
                self._start(address)
                await self._progress(_NEXT_ADDRESS_SECONDS)
                if self._won.done():
                    break
            while self._running and not self._won.done():
                await self._progress(None)
            if not self._won.done():
                assert self._first_error is not None
                raise self._first_error
            taken = True
            return self._won.result()
        finally:
            for attempt in self._running:
                attempt.cancel()
            if self._won.done() and not taken:
                self._won.result().close()
            # What is connected from here on is closed.
            self._won.cancel()

    def _start(self, address: _Address) -> None:
        attempt = self._loop.create_task(_connected(self._loop, address))
        self._running.add(attempt)
        attempt.add_done_callback(self._ended)

    async def _progress(self, seconds: Optional[float]) -> None:
        """Until an attempt has ended, or so many seconds have passed."""
        await asyncio.wait({*self._running, self._won}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _ended(self, attempt: asyncio.Task[socket.socket]) -> None:
        self._running.discard(attempt)
        if attempt.cancelled():
            return
        error = attempt.exception()
        if error is not None:
            self._first_error = self._first_error or error
        elif self._won.done():
            attempt.result().close()
        else:
            self._won.set_result(attempt.result())
