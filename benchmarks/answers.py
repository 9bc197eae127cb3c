"""The answers of the canned server: those of server 0.15, which this client and both published ones read.

Ids are fixed; everything else has the shape and the size of real answers.
"""

from __future__ import annotations

import json
from typing import Dict, Final, List

from benchmarks.content import NEXT_QUEUE, PARTITION, PAYLOAD, QUEUE

_PARTITION_ID: Final = "6d1f2c7e-5b0a-4f0e-9d3c-2a7b8c9d0e1f"
_LEASE_ID: Final = "3b9d6f52-8c1e-4a77-b0a5-9e8d7c6b5a43"
_GROUP: Final = "__QUEUE_MODE__"


def _identifier(number: int) -> str:
    return f"0193a1b2-c3d4-7e5f-8a6b-{number:012d}"


def _whole(body: object) -> bytes:
    encoded = json.dumps(body, separators=(",", ":")).encode("ascii")
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(encoded) + encoded


def health() -> bytes:
    """``GET /health``."""
    queen = {"status": "active", "worker_id": 0}
    server = "C++ Queen Server (libqueen)"
    return _whole({"status": "healthy", "database": "connected", "server": server, "version": "1.0.0", "queen": queen})


def push(count: int) -> bytes:
    """``POST /api/v1/push`` of so many items."""
    results = [
        {
            "index": number,
            "message_id": _identifier(number),
            "partition_id": _PARTITION_ID,
            "queueName": QUEUE,
            "status": "queued",
            "trace_id": None,
            "transaction_id": _identifier(number),
        }
        for number in range(count)
    ]
    return _whole(results)


def pop(count: int) -> bytes:
    """``GET /api/v1/pop/queue/{queue}/partition/{partition}`` with so many messages."""
    messages: List[Dict[str, object]] = [
        {
            "consumerGroup": _GROUP,
            "createdAt": "2026-11-20T10:20:30.123456Z",
            "data": PAYLOAD,
            "id": _identifier(number),
            "leaseId": _LEASE_ID,
            "partition": PARTITION,
            "partitionId": _PARTITION_ID,
            "producerSub": None,
            "traceId": None,
            "transactionId": _identifier(number),
        }
        for number in range(count)
    ]
    return _whole(
        {
            "consumerGroup": _GROUP,
            "leaseId": _LEASE_ID,
            "messages": messages,
            "partition": PARTITION,
            "partitionId": _PARTITION_ID,
            "partitionsClaimed": 1,
            "queue": QUEUE,
            "success": True,
        }
    )


def ack(count: int) -> bytes:
    """``POST /api/v1/ack`` and ``/ack/batch`` of the first messages of a pop."""
    results = [
        {
            "dlq": False,
            "error": None,
            "index": number,
            "leaseReleased": number == count - 1,
            "partitionName": PARTITION,
            "queueName": QUEUE,
            "success": True,
            "transactionId": _identifier(number),
        }
        for number in range(count)
    ]
    return _whole(results)


def transaction() -> bytes:
    """``POST /api/v1/transaction`` of one push and one ack."""
    pushed: Dict[str, object] = {
        "index": 0,
        "messageId": _identifier(1),
        "partitionId": _PARTITION_ID,
        "queueName": NEXT_QUEUE,
        "success": True,
        "transactionId": _identifier(1),
        "type": "push",
    }
    acked: Dict[str, object] = {
        "dlq": False,
        "error": None,
        "index": 1,
        "success": True,
        "transactionId": _identifier(0),
        "type": "ack",
    }
    return _whole({"results": [pushed, acked], "success": True, "transactionId": _identifier(0)})
