"""A progress bar on standard error, where that is a terminal."""

from __future__ import annotations

import contextlib
import sys
from typing import Callable, Iterator, Optional

from queen.cli.consoles import console

Tick = Callable[[int], None]


@contextlib.contextmanager
def progress(words: str, total: Optional[int]) -> Iterator[Tick]:
    """Show how far something is, until the block ends.

    Args:
        words: what is done.
        total: how much there is to do; None where nobody knows.

    Yields:
        a function to call with how much is done.
    """
    if not sys.stderr.isatty():
        yield _no_bar
        return
    # Imported here: it takes a while, and programs see no bar.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task(words, total=total)
        yield lambda done: bar.update(task, completed=done)


def _no_bar(_done: int) -> None:
    """Nobody would see it."""
