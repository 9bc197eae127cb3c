"""The command line ``queen`` (extra ``cli``): also ``python -m queen``.

This module imports neither cyclopts nor rich, so that it can say which extra is missing.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Optional, Sequence

_NEEDED = ("cyclopts", "rich")
_OLDEST = (3, 11)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line.

    Args:
        arguments: the words behind ``queen``; those of this process where nothing is said.

    Returns:
        the exit code, as in ``queen.cli.exits``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        # Not worth the time that it takes to import what reads all other words.
        from importlib.metadata import version

        sys.stdout.write(f"queen {version('queen-mq')}\n")
        return 0
    missing = _what_is_missing()
    if missing is not None:
        sys.stderr.write(f"queen: {missing}\n")
        return 1
    from queen.cli.program import run

    return run(words)


def _what_is_missing() -> Optional[str]:
    if sys.version_info < _OLDEST:
        return 'the command line needs Python 3.11 or later, and the extra "cli": pip install "queen-mq[cli]"'
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        return 'the command line needs the extra "cli": pip install "queen-mq[cli]"'
    return None
