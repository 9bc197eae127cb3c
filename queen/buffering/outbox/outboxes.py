"""The outboxes of one client."""

from __future__ import annotations

import os
from typing import Callable, Dict

from queen.buffering.outbox.outbox import Outbox


class Outboxes:
    """One outbox for each file, however its path is spelled."""

    def __init__(self) -> None:
        self._by_path: Dict[str, Outbox] = {}
        # What the path of an outbox is stays the same when the program goes into another folder.
        self._by_name: Dict[str, Outbox] = {}

    def of(self, name: str, on_open: Callable[[Outbox], None]) -> Outbox:
        """The outbox of a file; it is opened by what is written to it first, and ``on_open`` is told."""
        known = self._by_name.get(name)
        if known is not None:
            return known
        path = os.path.realpath(name)
        outbox = self._by_path.get(path)
        if outbox is None:
            outbox = self._by_path[path] = Outbox(path, on_open)
        self._by_name[name] = outbox
        return outbox

    async def settle(self) -> None:
        """Wait until all that was pushed is written, or cannot be."""
        for outbox in self._by_path.values():
            await outbox.settle()

    async def close(self) -> None:
        """Close the files; what is in them stays there for the next process."""
        for outbox in self._by_path.values():
            await outbox.close()
