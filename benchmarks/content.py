"""What is pushed, and the names it is pushed under: the same for all clients."""

from __future__ import annotations

from typing import Dict, Final, List

QUEUE: Final = "orders"
NEXT_QUEUE: Final = "invoices"
PARTITION: Final = "customer-1042"
PAYLOAD: Final[Dict[str, object]] = {"customer": 1042, "sku": "teapot-blue", "amount": 2, "price": 24.5, "note": "gift"}

POP_TARGET: Final = f"/api/v1/pop/queue/{QUEUE}/partition/{PARTITION}?batch="
FLUSH_AT: Final = 100


def server_urls(count: int) -> List[str]:
    """The servers of a client that routes, which sends nothing to them."""
    return [f"http://10.0.0.{number}:6632" for number in range(1, count + 1)]
