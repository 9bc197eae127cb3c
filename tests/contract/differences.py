"""Recorded conversations that the embedded broker holds differently, and why: for each of its dialects.

A conversation that is listed here and passes is a failure of the test too: take it off the list.
"""

from __future__ import annotations

from typing import Dict

# What neither dialect of server 0.15 has: no such route, or not what stands behind it.
_NOT_COVERED_015: Dict[str, str] = {
    "analytics": "GET /api/v1/analytics/*",
    "maintenance-pop": "/api/v1/system/maintenance/pop",
    "maintenance-push": "/api/v1/system/maintenance",
    "malformed-json": "POST /api/v1/system/maintenance",
    "overview-and-status": "GET /api/v1/status/buffers",
}

NOT_COVERED: Dict[str, Dict[str, str]] = {
    "embedded": _NOT_COVERED_015,
    "0.15": {**_NOT_COVERED_015, "health-metrics-internal": "GET /metrics, /metrics/prometheus and /internal/api/*"},
    "0.7": {},
}

# The broker differs on purpose, as its docstring says.
DELIBERATE: Dict[str, Dict[str, str]] = {
    "embedded": {
        "ack-batch-empty": "a batch ack of nothing is answered with an empty list; the server never answers it",
        "health-metrics-internal": "GET /health tells that it is embedded; /metrics and /internal are not there",
        "http-basics": "GET /api/v1/pop is there, as on server 0.7",
        "nack-inside-ack-batch": "after a failure in a batch ack, later acks of its partition are refused",
        "nack-whole-batch": "failing a whole batch counts one failure; the server counts many, and loses the first",
    },
    "0.15": {
        "ack-batch-empty": "a batch ack of nothing is answered with an empty list; the server never answers it",
    },
    "0.7": {},
}

LISTED: Dict[str, Dict[str, str]] = {
    dialect: {**DELIBERATE[dialect], **NOT_COVERED[dialect]} for dialect in NOT_COVERED
}
