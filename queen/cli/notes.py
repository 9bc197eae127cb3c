"""What is said beside the data, on standard error: progress, notes, errors."""

from __future__ import annotations

import sys

from queen.cli.plain import visible


def note(words: str) -> None:
    """Say something that is no data."""
    sys.stderr.write(f"{visible(words)}\n")
    sys.stderr.flush()


def error(words: str) -> None:
    """Say why a command ends."""
    note(f"queen: {words}")


def counted(number: int, thing: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
