"""When a failed request is repeated, and after how long."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Callable, Optional

import attrs
from queen_api import Request
from typing_extensions import Final

# A server that is away for minutes is met by the router's health marks; no single wait needs to be longer.
LONGEST_WAIT: Final = 30.0


@attrs.frozen
class RetryPolicy:
    """How often one server is tried again, and how long to wait before each repeat.

    Attributes:
        attempts: repeats after the first attempt.
        delay: the longest wait before the first repeat, in seconds; it doubles with each further repeat.
        draw: a random number from 0 up to its argument.
    """

    attempts: int
    delay: float
    draw: Callable[[float], float] = lambda longest: random.uniform(0.0, longest)  # noqa: S311  (jitter)

    def wait_before(self, repeat: int, retry_after: Optional[float] = None) -> float:
        """Seconds to wait before the given repeat (1 is the first).

        Full jitter: a random part of the exponential delay, so that many clients that failed together do not return
        together. A server's ``Retry-After`` is the least wait, with the jitter on top.
        """
        longest = min(LONGEST_WAIT, self.delay * 2 ** min(repeat - 1, 16))
        return (retry_after or 0.0) + self.draw(longest)


def repeatable(request: Request[object]) -> bool:
    """Whether the same request may reach a server twice without harm.

    A push is repeatable when each of its items carries a transaction id, by which the server knows the repeat.
    """
    if request.operation.retry == "keyed":
        items = request.body.get("items") if isinstance(request.body, dict) else None
        return isinstance(items, list) and all(isinstance(item, dict) and item.get("transactionId") for item in items)
    return request.operation.retry == "safe"


def retry_after_seconds(header: Optional[str]) -> Optional[float]:
    """What a ``Retry-After`` header asks for, in seconds; None where it says nothing that can be read."""
    if not header:
        return None
    try:
        return max(0.0, float(int(header)))
    except (OverflowError, ValueError):
        pass
    try:
        moment = parsedate_to_datetime(header)
    except (IndexError, OverflowError, TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
