"""How numbers are spread, as the overview shows it."""

from __future__ import annotations

import statistics
from typing import Sequence

from queen_api.models import Spread


def spread(values: Sequence[int]) -> Spread:
    """The average, median, smallest and largest; zeros where there is nothing."""
    counted = values or [0]
    return {
        "avg": statistics.mean(counted),
        "median": statistics.median(counted),
        "min": min(counted),
        "max": max(counted),
    }


def whole(found: Spread) -> Spread:
    """As whole numbers."""
    return {
        "avg": round(found["avg"]),
        "median": round(found["median"]),
        "min": round(found["min"]),
        "max": round(found["max"]),
    }
