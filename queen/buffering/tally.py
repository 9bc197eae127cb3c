"""What the buffers of one client have done so far."""

from __future__ import annotations

import attrs


@attrs.define
class Tally:
    """Counts flushes; those that failed were or will be repeated."""

    flushed: int = 0
    failed: int = 0
