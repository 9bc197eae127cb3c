"""What a consumer has done so far, for whoever asks whether it is well."""

from __future__ import annotations

import time
from typing import Optional

import attrs


@attrs.define
class Progress:
    """What a consumer has done so far; times in seconds since 1970.

    Attributes:
        started_at: when it was started.
        last_poll_at: when a pop was last answered; None while none was.
        in_hand: how many messages handlers have right now.
        handled: how many messages were handled without an error.
        failed: how many messages failed in the handler, or did not fit the model of their queue.
        last_error: the latest failure of a handler, a pop or an ack.
    """

    started_at: float = attrs.field(factory=time.time)
    last_poll_at: Optional[float] = None
    in_hand: int = 0
    handled: int = 0
    failed: int = 0
    last_error: Optional[BaseException] = None

    def polled(self) -> None:
        """Note that a pop was answered."""
        self.last_poll_at = time.time()
