"""What was pushed, delivered and settled, and whether that adds up."""

from __future__ import annotations

import time
from typing import Counter, Dict, Iterator, List, Optional, Set, Tuple

import attrs
from typing_extensions import Final, Literal

from queen import Message
from tests.faults.soak.traffic import Traffic

Outcome = Literal["accepted", "unknown", "not delivered"]

# The group that sends on to the second queue, and the group that consumes that one.
PIPELINE: Final = "pipeline"
SINK: Final = "sink"
# The broker's lease ids tell the millisecond.
_RESOLUTION: Final = 0.001


@attrs.define
class Pushed:
    """One message that a producer made.

    Attributes:
        key: says which one it is, in its payload.
        stream: the messages of one producer in one partition; within it they have an order.
        place: its place in that order.
        outcome: what the client said of its push; None while it has not said it.
    """

    key: str
    stream: str
    place: int
    outcome: Optional[Outcome] = None


@attrs.frozen
class Delivery:
    """A message that was handed to a handler.

    Attributes:
        at: when, in seconds since 1970.
    """

    message: Message
    at: float

    @property
    def key(self) -> str:
        return str(self.message.data["key"])

    @property
    def leased_at(self) -> float:
        """When the broker leased it, in seconds since 1970; its lease ids begin with that."""
        return int(str(self.message.lease_id).replace("-", "")[:12], 16) / 1000


class Group:
    """What one consumer group got.

    Args:
        name: the group.
        traffic: what the proxy saw of it.
        lease_seconds: how long a lease lasts that is not renewed.

    Attributes:
        done: the keys that a handler brought to its end.
        failed: the keys that a handler failed, alone or with their batch.
        drained: how many deliveries were left for the good day at the end.
        again: how many deliveries came again, by the reason.
        first: the keys in the order of their first deliveries.
        ids: under which ids each key was delivered; more than one means that it was stored more than once.
        wrong: deliveries for which there was no reason.
    """

    def __init__(self, name: str, traffic: Traffic, lease_seconds: float) -> None:
        self.name = name
        self.done: Set[str] = set()
        self.failed: Set[str] = set()
        self.again: Counter[str] = Counter()
        self.deliveries = 0
        self.drained = 0
        self.first: List[str] = []
        self.ids: Dict[str, Set[str]] = {}
        self.wrong: List[str] = []
        self._traffic = traffic
        self._lease_seconds = lease_seconds
        self._last: Dict[str, Delivery] = {}
        self._failures: Dict[str, float] = {}
        self._cancelled_at = float("-inf")
        self._ended_at = float("-inf")

    def deliver(self, message: Message) -> str:
        """Note that a handler got a message; its key."""
        delivery = Delivery(message, time.time())
        self.deliveries += 1
        before = self._last.get(delivery.key)
        if before is None:
            self.first.append(delivery.key)
        else:
            self._came_again(before, delivery)
        self._last[delivery.key] = delivery
        self.ids.setdefault(delivery.key, set()).add(message.id)
        return delivery.key

    def finish(self, message: Message) -> None:
        """Note that a handler has done its work."""
        self.done.add(str(message.data["key"]))

    def fail(self, message: Message) -> None:
        """Note that a handler failed."""
        self.failed.add(str(message.data["key"]))
        self._failures[message.partition_id] = time.time()

    def cancel(self) -> None:
        """Note that a consumer of the group was cancelled, with what it had at hand."""
        self._cancelled_at = time.time()

    def end_leases(self) -> None:
        """Note that all leases have ended before their time."""
        self._ended_at = time.time()

    def _came_again(self, before: Delivery, after: Delivery) -> None:
        reason = self._reason(before, after)
        if reason is None:
            settled = self._traffic.settled_at(self.name, before.message) is not None
            where = f"{self.name}: {before.key} of {before.message.partition}"
            self.wrong.append(
                f"{where} came again after {after.at - before.at:.2f} s without reason; acknowledged: {settled}"
            )
        else:
            self.again[reason] += 1

    def _reason(self, before: Delivery, after: Delivery) -> Optional[str]:
        message = before.message
        if after.leased_at < before.leased_at:
            return "a pop was answered late"
        # An ack that was repeated counts twice, which can end its lease before the last message of the batch.
        if self._traffic.lost_since(self.name, message.partition_id, before.leased_at):
            return "an answer was lost"
        if self._traffic.settled_at(self.name, message) is not None:
            return None
        if self._failures.get(message.partition_id, float("-inf")) >= before.at:
            return "a handler failed"
        if self._cancelled_at >= before.at:
            return "a consumer was cancelled"
        if before.leased_at <= self._ended_at:
            return "a lease was over"
        is_over = after.leased_at - before.leased_at >= self._lease_seconds - _RESOLUTION
        return "a lease was over" if is_over else None


class Accounts:
    """Everything that producers and consumers say.

    Args:
        lease_seconds: how long a lease lasts that is not renewed.

    Attributes:
        errors: how often pushes failed, by the class of the error.
        wrong: what the client said and should not have.
    """

    def __init__(self, lease_seconds: float) -> None:
        self.traffic = Traffic()
        self.pushes: Dict[str, Pushed] = {}
        self.groups: Dict[str, Group] = {}
        self.errors: Counter[str] = Counter()
        self.wrong: List[str] = []
        self._places: Counter[str] = Counter()
        self._lease_seconds = lease_seconds

    def group(self, name: str) -> Group:
        """The accounts of one group."""
        if name not in self.groups:
            self.groups[name] = Group(name, self.traffic, self._lease_seconds)
        return self.groups[name]

    def end_leases(self) -> None:
        """Note that all leases have ended before their time."""
        for group in self.groups.values():
            group.end_leases()

    def begin_push(self, stream: str) -> str:
        """Note that a producer is about to push its next message; its key."""
        self._places[stream] += 1
        key = f"{stream}:{self._places[stream]}"
        self.pushes[key] = Pushed(key, stream, self._places[stream])
        return key

    def forward(self, key: str, stream: str) -> str:
        """Note that a message goes on to the next queue, perhaps not for the first time; its key there."""
        source = self.pushes[key]
        onward = f"{key}>{stream}"
        if onward not in self.pushes:
            self.pushes[onward] = Pushed(onward, f"{source.stream}>{stream}", source.place)
        return onward

    def sent_on(self, group: str) -> Set[str]:
        """What a group has sent on to the next queue, whether or not it was told so: it is acknowledged with that."""
        if group != PIPELINE:
            return set()
        return {key.partition(">")[0] for key in self.group(SINK).ids}

    def accept(self, key: str) -> None:
        """Note that the client reported a push as accepted."""
        self.pushes[key].outcome = "accepted"

    def fail(self, key: str, error: Exception, *, maybe_delivered: bool) -> None:
        """Note that a push failed."""
        self.errors[type(error).__name__] += 1
        pushed = self.pushes[key]
        # A message that goes on is tried again and again: one attempt that may have done it is enough.
        if pushed.outcome in (None, "not delivered"):
            pushed.outcome = "unknown" if maybe_delivered else "not delivered"

    def interrupt(self, key: str, error: BaseException) -> None:
        """Note that a push was cancelled: it may be under way, or done."""
        self.errors[type(error).__name__] += 1
        if self.pushes[key].outcome != "accepted":
            self.pushes[key].outcome = "unknown"

    def outcomes(self) -> Counter[str]:
        """How many pushes ended how, by producer."""
        return Counter(f"{_producer(pushed)}: {pushed.outcome}" for pushed in self.pushes.values())

    def of_queue(self, *, forwarded: bool) -> Iterator[Pushed]:
        """The messages of the first queue, or those of the one that they go on to."""
        return (pushed for pushed in self.pushes.values() if (">" in pushed.stream) == forwarded)

    def place(self, key: str) -> Tuple[str, int]:
        """The stream of a message, and its place there."""
        pushed = self.pushes[key]
        return pushed.stream, pushed.place


def _producer(pushed: Pushed) -> str:
    return "pipeline" if ">" in pushed.stream else pushed.stream.partition("-")[0]
