"""A server with something of everything, named as in the examples of the spec, for tests that ask for all of it."""

from __future__ import annotations

import attrs
from queen_api.api import streams
from typing_extensions import Protocol

from queen import Queen

GROUP = "billing"
TRACE = "order-12345"
STREAM = "user-events"


class AdvancingClock(Protocol):
    """A clock that can be moved."""

    def advance(self, seconds: float) -> None:
        """Move forward."""


@attrs.frozen
class Populated:
    """What there is: a queue with three messages, of which a group has one as a dead letter and one in hand.

    Attributes:
        queue: the queue, of namespace ``shop`` and task ``orders``.
        partition_id: the id of its partition ``Default``.
        pending: the transaction id of the message that is in hand; it has a trace under the name ``TRACE``.
        lease_id: the lease under which it is.
        window_lease_id: the lease of a window of the stream; empty on a server without streams.
    """

    queue: str
    partition_id: str
    pending: str
    lease_id: str
    window_lease_id: str


async def populate(queen: Queen, clock: AdvancingClock, *, with_stream: bool) -> Populated:
    """Make it, through the public interface; the clock goes on by some minutes.

    Args:
        queen: a client of the server.
        clock: the server's clock.
        with_stream: whether the server has windowed streams.
    """
    queue = queen.queue("orders").namespace("shop").task("orders")
    await queue.config({"leaseTime": 3600}).create()
    if with_stream:
        await queen.stream(STREAM, "shop").sources(["orders"]).tumbling_time(60).grace_period(0).define()
    await queue.push([{"data": {"n": 1}}])
    clock.advance(120)
    await queue.push([{"data": {"n": 2}}, {"data": {"n": 3}}])
    [failed] = await queue.group(GROUP).pop()
    assert (await failed.nack("no such customer", status="dlq"))["dlq"]
    held = await queue.group(GROUP).pop()
    assert (await held[0].trace({"data": {"text": "charged"}, "traceName": TRACE}))["success"]
    assert held[0].lease_id is not None
    window_lease = ""
    if with_stream:
        answer = await queen.send(streams.poll_window(stream_name=STREAM, consumer_group=GROUP, timeout=1000))
        assert answer is not None
        window_lease = answer["window"]["leaseId"]
    return Populated("orders", held[0]["partitionId"], held[0].transaction_id, held[0].lease_id, window_lease)
