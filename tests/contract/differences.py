"""Recorded conversations that the embedded broker holds differently on purpose, and why: for each of its dialects.

A conversation that is listed here and passes is a failure of the test too: take it off the list.
"""

from __future__ import annotations

from typing import Dict

_EMPTY_ACK = "a batch ack of nothing is answered with an empty list; the server never answers it"
_BARE_204 = "a 204 has neither a length nor a body; what the server sends behind it, clients read as the next answer"

LISTED: Dict[str, Dict[str, str]] = {
    "embedded": {
        "ack-batch-empty": _EMPTY_ACK,
        "health-metrics-internal": "GET /health tells that it is embedded; /internal/api is left out",
        "http-basics": "GET /api/v1/pop is there, as on server 0.7",
        "maintenance-pop": _BARE_204,
        "maintenance-push": "GET /health tells that it is embedded",
        "nack-inside-ack-batch": "after a failure in a batch ack, later acks of its partition are refused",
        "nack-whole-batch": "failing a whole batch counts one failure; the server counts many, and loses the first",
    },
    "0.15": {
        "ack-batch-empty": _EMPTY_ACK,
        "health-metrics-internal": "/internal/api is left out",
        "maintenance-pop": _BARE_204,
    },
    "0.7": {},
}
