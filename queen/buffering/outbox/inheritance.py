"""Keeps the connections of a process out of the hands of its children.

A child that was made by ``fork`` has a copy of each open connection, which believes to hold the lock of the file.
Closed, as it would be at the child's exit, it would move the write-ahead log into the file and delete it, while the
parent writes to it. So nothing in the child ever closes it.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import weakref

from typing_extensions import Final


class GuardedConnection(sqlite3.Connection):
    """A connection that children of this process leave alone."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # those of sqlite3.connect
        _open.add(self)


_open: Final[weakref.WeakSet[GuardedConnection]] = weakref.WeakSet()


def _leave_alone() -> None:
    for connection in _open:
        # What has one reference too many is not closed when the interpreter ends, either.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_alone)
