"""Recorded conversations that the embedded broker holds differently, and why: for each of its dialects.

A conversation that is listed here and passes is a failure of the test too: take it off the list.
"""

from __future__ import annotations

from typing import Dict

# What neither dialect of server 0.15 has: no such route, or not what stands behind it.
_NOT_COVERED_015: Dict[str, str] = {
    "analytics": "GET /api/v1/status/analytics",
    "malformed-json": "POST /streams/v1/queries",
    "messages-list": "GET /api/v1/messages",
    "overview-and-status": "GET /api/v1/resources/overview and /api/v1/status",
    "resources-and-status": "POST /api/v1/stats/refresh, and the counts that it computes",
    "streams-cycle": "POST /streams/v1/queries",
    "streams-cycle-errors": "POST /streams/v1/queries",
    "streams-gate": "POST /streams/v1/queries",
    "streams-register": "POST /streams/v1/queries",
    "streams-state-get": "POST /streams/v1/queries",
}

NOT_COVERED: Dict[str, Dict[str, str]] = {
    "embedded": _NOT_COVERED_015,
    "0.15": {**_NOT_COVERED_015, "health-metrics-internal": "/internal/api/*, which is left out"},
    "0.7": {},
}

_BARE_204 = "a 204 has neither a length nor a body; what the server sends behind it, clients read as the next answer"

# The broker differs on purpose, as its docstring says.
DELIBERATE: Dict[str, Dict[str, str]] = {
    "embedded": {
        "ack-batch-empty": "a batch ack of nothing is answered with an empty list; the server never answers it",
        "health-metrics-internal": "GET /health tells that it is embedded; /internal/api is not there",
        "maintenance-pop": _BARE_204,
        "maintenance-push": "GET /health tells that it is embedded",
        "http-basics": "GET /api/v1/pop is there, as on server 0.7",
        "nack-inside-ack-batch": "after a failure in a batch ack, later acks of its partition are refused",
        "nack-whole-batch": "failing a whole batch counts one failure; the server counts many, and loses the first",
    },
    "0.15": {
        "ack-batch-empty": "a batch ack of nothing is answered with an empty list; the server never answers it",
        "maintenance-pop": _BARE_204,
    },
    "0.7": {},
}

LISTED: Dict[str, Dict[str, str]] = {
    dialect: {**DELIBERATE[dialect], **NOT_COVERED[dialect]} for dialect in NOT_COVERED
}
