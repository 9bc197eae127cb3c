"""Where groups start that read only what comes after they began to listen.

Server 0.15 notes the start of such a group when it first claims a partition: what arrived between the first pop and
that claim, the first message of an empty queue above all, would be passed over. So the client asks for the server's
time before the first pop, and says it until messages come. Server 0.7 notes the start at the first pop itself.

A group of a namespace or task says its start to every queue, for good and on both servers: a queue that it comes to
later must not start it anew. Server 0.7 tells its time cut to the second.
"""

from __future__ import annotations

import asyncio
from typing import Dict, Optional, Set, Tuple

import attrs
from queen_api.api import system

from queen.operations.pop import PopOptions
from queen.transport.dialect import Dialect
from queen.transport.reading import a_text, read_by
from queen.transport.transport import Transport

_Listener = Tuple[Optional[str], ...]


class Starts:
    """When each group of this client began to listen.

    Args:
        transport: asks the server for its time.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._listening: Dict[_Listener, str] = {}
        self._begun: Set[_Listener] = set()
        self._locks: Dict[_Listener, asyncio.Lock] = {}

    async def settled(self, options: PopOptions) -> PopOptions:
        """The same pop, with the start of its group said in a way that holds.

        Raises:
            QueenError: the server could not be asked.
        """
        if options.group is None or not options.starts_now:
            return options
        if options.queue is not None and await self._transport.dialect(options.affinity) is Dialect.V07:
            return options
        listener = _listener(options)
        if listener in self._begun:
            return options
        async with self._locks.setdefault(listener, asyncio.Lock()):
            if listener in self._begun:
                return options
            start = self._listening.get(listener)
            if start is None:
                asked = read_by(system.get_overview(), lambda overview: a_text(overview["timestamp"]))
                start = self._listening[listener] = await self._transport.send(asked, affinity=options.affinity)
        return attrs.evolve(options, subscription_mode=None, subscription_from=start)

    def begun(self, options: PopOptions) -> None:
        """Note that a group got messages: the server knows its start, and this client need not."""
        if self._listening and options.queue is not None:
            listener = _listener(options)
            if self._listening.pop(listener, None) is not None:
                self._begun.add(listener)
                self._locks.pop(listener, None)

    def forget(self, group: str, queue: Optional[str]) -> None:
        """Note that a group was deleted, on one queue or on all: it starts anew."""
        for listener in [listener for listener in self._listening if _listens(listener, group, queue)]:
            del self._listening[listener]
        self._begun = {listener for listener in self._begun if not _listens(listener, group, queue)}


def _listener(options: PopOptions) -> _Listener:
    return options.queue, options.partition, options.namespace, options.task, options.group


def _listens(listener: _Listener, group: str, queue: Optional[str]) -> bool:
    return listener[-1] == group and queue in (None, listener[0])
