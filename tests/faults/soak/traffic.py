"""What the proxy saw: when leases were taken, which acks were told to the client, and which were disturbed."""

from __future__ import annotations

import asyncio
import json
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, cast

from typing_extensions import Final

from queen import Message
from tests.faults.http_messages import Request, Response
from tests.faults.proxy import Seen

_POPS: Final = "/api/v1/pop/"
_ACKS: Final = ("/api/v1/ack", "/api/v1/ack/batch", "/api/v1/transaction")

Ack = Mapping[str, str]


class Traffic:
    """The pops and acks that went through a proxy."""

    def __init__(self) -> None:
        self._settled: Dict[Tuple[str, str, str], float] = {}
        self._leased: Dict[str, float] = {}
        self._lost: Dict[Tuple[str, str], float] = {}

    def hear(self, request: Request, response: Response) -> None:
        """Note an answer of the broker."""
        if not request.route.startswith(_POPS) or response.status != 200 or not response.body:
            return
        lease_id = json.loads(response.body).get("leaseId")
        if lease_id:
            self._leased[lease_id] = asyncio.get_running_loop().time()

    def see(self, seen: Seen) -> None:
        """Note an exchange that is over."""
        if seen.request.route in _ACKS:
            self._see_acks(seen)

    def leased_at(self, message: Message) -> float:
        """When the broker leased a message to the consumer that has it: a stalled answer comes long after that."""
        return self._leased[str(message.lease_id)]

    def settled_at(self, group: str, message: Message) -> Optional[float]:
        """When the client was told that a message is acknowledged; None when it was not."""
        return self._settled.get((group, message.partition_id, message.transaction_id))

    def lost_since(self, group: str, partition_id: str, moment: float) -> bool:
        """Whether an ack of a partition was disturbed since then."""
        return self._lost.get((group, partition_id), float("-inf")) >= moment

    def _see_acks(self, seen: Seen) -> None:
        now = asyncio.get_running_loop().time()
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
