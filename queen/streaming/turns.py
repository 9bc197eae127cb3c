"""Whose turn it is to wait for a window.

When several polls of one stream and group wait, server 0.7 answers one of them and never the others. So only one poll
of a process waits at a time.
"""

from __future__ import annotations

import asyncio
from typing import Dict, Sequence, Tuple
from weakref import WeakKeyDictionary

from queen.operations.streams import WindowSource

_Key = Tuple[Tuple[str, ...], WindowSource]

# By event loop, since a lock belongs to one.
_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, Dict[_Key, asyncio.Lock]] = WeakKeyDictionary()


class Turns:
    """The turns at some servers, one at a time for each stream and group.

    Args:
        urls: the servers.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = tuple(sorted(urls))

    def turn(self, source: WindowSource) -> asyncio.Lock:
        """What keeps all others of this process from waiting while it is held."""
        locks = _locks.setdefault(asyncio.get_running_loop(), {})
        return locks.setdefault((self._urls, source), asyncio.Lock())
