"""Maintenance modes. They are stored, so that they outlive the broker."""

from __future__ import annotations

import enum

from queen.broker.store.database import Transaction


class Mode(enum.Enum):
    """What is in maintenance: pushes are held back, pops get nothing."""

    PUSH = "maintenance"
    POP = "pop_maintenance"


def is_on(tx: Transaction, mode: Mode) -> bool:
    """Whether a mode is on."""
    return tx.row("SELECT 1 FROM settings WHERE name = ?", [mode.value]) is not None


def switch(tx: Transaction, mode: Mode, *, on: bool) -> None:
    """Turn a mode on or off."""
    if on:
        tx.execute("INSERT INTO settings (name) VALUES (?) ON CONFLICT DO NOTHING", [mode.value])
    else:
        tx.execute("DELETE FROM settings WHERE name = ?", [mode.value])
