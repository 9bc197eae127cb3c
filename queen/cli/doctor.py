"""placeholder"""

from __future__ import annotations

from queen.cli.connection import LOCAL, Server


async def doctor(*, server: Server = LOCAL) -> int:
    """Check."""
    return 0
