"""Points of a time series."""

from __future__ import annotations

from queen_api.models import ThroughputPoint

from queen.broker.domain.traffic import Traffic
from queen.broker.time_units import SECOND


def point(traffic: Traffic, moment: int, width: int, timestamp: str) -> ThroughputPoint:
    """What went through the broker in one piece of time.

    Args:
        traffic: all that did.
        moment: where the piece starts, in microseconds since 1970.
        width: how long it is, in microseconds.
        timestamp: the start, as it is shown.
    """
    stored, consumed = traffic.stored.get(moment, 0), traffic.consumed.get(moment, 0)
    return {
        "timestamp": timestamp,
        "ingested": stored,
        "processed": consumed,
        "ingestedPerSecond": round(stored * SECOND / width, 2),
        "processedPerSecond": round(consumed * SECOND / width, 2),
    }
