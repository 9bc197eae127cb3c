"""Hooks: what a client does, told to whoever wants to know: a log, counters, OpenTelemetry.

``Queen(url, hooks=[MyHooks()])``. ``docs/telemetry.md`` has examples.
"""

from queen.hooks.events import (
    ClientOpened,
    Commit,
    CommittedAck,
    Event,
    Flush,
    LeaseLost,
    Pop,
    Process,
    Push,
    Retry,
    Settlement,
)
from queen.hooks.protocol import Hooks

__all__ = [
    "ClientOpened",
    "Commit",
    "CommittedAck",
    "Event",
    "Flush",
    "Hooks",
    "LeaseLost",
    "Pop",
    "Process",
    "Push",
    "Retry",
    "Settlement",
]
