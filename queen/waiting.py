"""Waiting for an event, for a while."""

from __future__ import annotations

import asyncio


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Until an event is set, or so many seconds have passed.

    ``asyncio.wait_for`` would do it, but before Python 3.12 it can swallow the cancellation of its caller when that
    comes together with the event.
    """
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
    finally:
        waiting.cancel()
