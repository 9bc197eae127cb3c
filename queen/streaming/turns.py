"""Whose turn it is to wait for a window.

When several polls of one stream and group wait, server 0.7 answers one of them and never the others. So only one of a
client's polls waits at a time.
"""

from __future__ import annotations

import asyncio
from typing import Dict

from queen.operations.streams import WindowSource


class Turns:
    """The turns of one client, one at a time for each stream and group."""

    def __init__(self) -> None:
        self._locks: Dict[WindowSource, asyncio.Lock] = {}

    def turn(self, source: WindowSource) -> asyncio.Lock:
        """What keeps all others from waiting while it is held."""
        # Made at the first use: before Python 3.10 a lock belongs to the loop in which it is made.
        return self._locks.setdefault(source, asyncio.Lock())
