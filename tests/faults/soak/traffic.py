"""What the proxy saw of acks: which the broker took and the client was told of, and which were disturbed."""

from __future__ import annotations

import json
import time
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, cast

from typing_extensions import Final

from queen import Message
from tests.faults.proxy import Seen

_ACKS: Final = ("/api/v1/ack", "/api/v1/ack/batch", "/api/v1/transaction")

Ack = Mapping[str, str]


class Traffic:
    """The acks that went through a proxy. Moments are in seconds since 1970, as the broker knows them too."""

    def __init__(self) -> None:
        self._settled: Dict[Tuple[str, str, str], float] = {}
        self._lost: Dict[Tuple[str, str], float] = {}

    def see(self, seen: Seen) -> None:
        """Note an exchange that is over."""
        if seen.request.route in _ACKS:
            self._see_acks(seen)

    def settled_at(self, group: str, message: Message) -> Optional[float]:
        """When the client was told that a message is acknowledged; None when it was not."""
        return self._settled.get((group, message.partition_id, message.transaction_id))

    def lost_since(self, group: str, partition_id: str, moment: float) -> bool:
        """Whether an ack of a partition was disturbed since then."""
        return self._lost.get((group, partition_id), float("-inf")) >= moment

    def _see_acks(self, seen: Seen) -> None:
        now = time.time()
        body = json.loads(seen.request.body)
        acks = _acks(body)
        succeeded = _succeeded(seen, len(acks)) if seen.clean else [False] * len(acks)
        for ack, success in zip(acks, succeeded):
            group = ack.get("consumerGroup") or str(body.get("consumerGroup"))
            if not seen.clean:
                self._lost[group, ack["partitionId"]] = now
            elif success and ack["status"] == "completed":
                self._settled[group, ack["partitionId"], ack["transactionId"]] = now


def _acks(body: Mapping[str, object]) -> Sequence[Ack]:
    if "operations" in body:
        operations = cast("List[Ack]", body["operations"])
        return [operation for operation in operations if operation["type"] == "ack"]
    if "acknowledgments" in body:
        return cast("List[Ack]", body["acknowledgments"])
    return [cast("Ack", body)]


def _succeeded(seen: Seen, count: int) -> Sequence[bool]:
    if seen.response is None or seen.response.status != 200:
        return [False] * count
    answer = json.loads(seen.response.body)
    if isinstance(answer, dict) and "results" not in answer:
        return [answer.get("success") is True] * count
    if isinstance(answer, dict) and seen.request.route.endswith("/transaction"):
        return [answer.get("success") is True] * count
    results = answer["results"] if isinstance(answer, dict) else answer
    return [result.get("success") is True and not result.get("error") for result in results]
