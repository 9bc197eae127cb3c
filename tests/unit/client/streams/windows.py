"""Windows of a stream, made and waited for; and a server that has just one."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, List

from queen import Queen
from queen.broker import Broker, ManualClock
from tests.scripted_server import Answer, Received, answers


async def define(queen: Queen, *, partitioned: bool = False) -> None:
    await queen.queue("events").create()
    stream = queen.stream("s", "n").sources(["events"]).tumbling_time(60).grace_period(0).lease_timeout(30)
    answer = await (stream.partitioned() if partitioned else stream).define()
    assert answer["name"] == "s"


async def closed_windows(queen: Queen, clock: ManualClock, *payloads: List[Any]) -> None:
    """Windows of a minute with these payloads, closed by a last message."""
    for window in (*payloads, ["last"]):
        await queen.queue("events").push([{"data": payload} for payload in window])
        clock.advance(60)


async def parked(broker: Broker) -> None:
    while not broker.parked_polls:  # noqa: ASYNC110  (the broker has no event for tests)
        await asyncio.sleep(0)


class Backoff:
    """Waits for nothing, and keeps which repeat it was asked for."""

    def __init__(self, asked: List[int]) -> None:
        self._asked = asked

    def wait_before(self, repeat: int) -> float:
        self._asked.append(repeat)
        return 0.0


WINDOW: Dict[str, Any] = {
    "id": "w", "leaseId": "lease", "key": "__GLOBAL__", "messages": [],
    "start": "2026-01-31 10:20:00+00", "end": "2026-01-31 10:21:00.000000+00",
}  # fmt: skip
STREAM = {
    "name": "s", "namespace": "n", "partitioned": False, "windowDurationMs": 60000, "windowGracePeriodMs": 0,
    "windowLeaseTimeoutMs": 30,
}  # fmt: skip


class StreamServer:
    """A server with one window and a short lease, whose answers to renewals and acks a test decides on."""

    def __init__(self, renewal: Dict[str, Any]) -> None:
        self.renewal = renewal
        self.renewed = asyncio.Event()
        self.acks: List[Any] = []

    def __call__(self, received: Received) -> Answer:
        path = received.target
        if path.endswith("/renew-lease"):
            self.renewed.set()
            return answers(self.renewal)
        if path.endswith("/ack"):
            self.acks.append(received.json)
            return answers({"error": "Invalid or expired lease"})
        return answers({"window": WINDOW}) if path.endswith("/poll") else answers(STREAM)
