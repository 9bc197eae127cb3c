"""Consoles of rich, which know the terminal that they write to."""

from __future__ import annotations

import os
from typing import TextIO

from rich.console import Console


def console(stream: TextIO) -> Console:
    """A console; with ``NO_COLOR`` in the environment it writes neither colours nor bold or dim text."""
    return Console(file=stream, color_system=None if os.environ.get("NO_COLOR") else "auto")
