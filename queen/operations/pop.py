"""Popping messages from one queue."""

from __future__ import annotations

import asyncio
import functools
import operator
from typing import TYPE_CHECKING, Dict, List, Optional, Sequence, Union

import attrs
from queen_api import Request
from queen_api.api import messages
from typing_extensions import Final

from queen import validation
from queen.errors import ServerRefusedError
from queen.message import Message
from queen.settling.acks import LeaseKey
from queen.settling.decision import COMPLETED
from queen.settling.ledger import Ledger
from queen.settling.settler import Settler
from queen.transport.reading import a_text, read_by
from queen.transport.ring import QUEUE_MODE, affinity_key

if TYPE_CHECKING:
    from queen_api.models import PopAnswer, PoppedMessage

# The servers forget a request after about 120 seconds, so one poll stays below that; a longer wait is several polls.
LONGEST_POLL_MILLIS: Final = 90_000

POP_DEFAULTS: Final[Dict[str, Union[int, bool]]] = {
    "batch": 1,
    "wait": False,
    "timeout_millis": 30000,
    "auto_ack": False,
}

_needed: Final = operator.itemgetter("partitionId", "leaseId", "consumerGroup", "id", "partition", "data", "createdAt")

# Why a pop can come back without messages; none of these is a failure.
_EMPTY: Final = frozenset(["no_available_partition", "partition_not_found", "lease_held"])


@attrs.frozen(kw_only=True, cache_hash=True)
class PopOptions:
    """What to pop.

    Attributes:
        queue: the queue; None for all queues of the namespace and task.
        namespace: the namespace of the queues.
        task: the task of the queues.
        partition: one partition; None for any.
        group: the consumer group; None for queue mode.
        batch: how many messages at most, over all partitions.
        partitions: from how many partitions at most (server 0.15; 0.7 takes one).
        wait: whether the server holds the answer until there are messages (a long poll).
        timeout_millis: for how long at most.
        auto_ack: whether the server acknowledges at the pop: no lease, and no redelivery.
        subscription_mode: ``new`` starts a new group behind the messages that are there.
        subscription_from: ``now``, or a time stamp at which a new group starts.
    """

    queue: Optional[str]
    namespace: Optional[str] = None
    task: Optional[str] = None
    partition: Optional[str] = None
    group: Optional[str] = None
    batch: int = 1
    partitions: int = 1
    wait: bool = False
    timeout_millis: int = 30_000
    auto_ack: bool = False
    subscription_mode: Optional[str] = None
    subscription_from: Optional[str] = None

    @property
    def name(self) -> str:
        """What is popped, for people: ``orders/user-7 (billing)``."""
        selection = [f"namespace {self.namespace}"] if self.namespace is not None else []
        if self.task is not None:
            selection.append(f"task {self.task}")
        place = ", ".join(selection) if self.queue is None else "/".join(filter(None, [self.queue, self.partition]))
        return place if self.group is None else f"{place} ({self.group})"

    @property
    def starts_now(self) -> bool:
        """Whether a new group is to read only what comes from now on."""
        if self.subscription_from is None:
            return self.subscription_mode == "new"
        return self.subscription_from == "now"

    @property
    def affinity(self) -> str:
        """The affinity key: pops of one group go to one server, where they share database queries."""
        if self.namespace is not None or self.task is not None:
            return affinity_key(self.namespace, self.task, self.group)
        return affinity_key(self.queue, self.partition, self.group)


async def pop(settler: Settler, options: PopOptions) -> List[Message]:
    """Pop messages.

    Args:
        settler: its transport sends the pop; it settles what comes.
        options: what to pop.

    Returns:
        The messages, those of one partition in order; ``[]`` where there are none.

    Raises:
        QueenError: the pop failed. No failure is returned as ``[]``.
    """
    if options.auto_ack and options.wait and await settler.ignores_auto_ack_in_polls(options.affinity):
        return await _pop_and_acknowledge(settler, options)
    transport = settler.transport
    if not options.wait or options.timeout_millis <= 0:
        request = read_by(_request(options, None), functools.partial(_messages, settler, options))
        return await transport.send(request, affinity=options.affinity)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + options.timeout_millis / 1000
    while True:
        left = max(1, round((deadline - loop.time()) * 1000))
        timeout = min(left, LONGEST_POLL_MILLIS)
        asked = loop.time()
        request = read_by(_request(options, timeout), functools.partial(_messages, settler, options))
        found = await transport.poll(request, seconds=timeout / 1000, affinity=options.affinity)
        # A server that does not hold the poll (its pops are switched off, perhaps) must not be asked in a circle.
        held = loop.time() - asked >= 0.9 * timeout / 1000
        if found or not held or loop.time() >= deadline:
            return found


async def _pop_and_acknowledge(settler: Settler, options: PopOptions) -> List[Message]:
    """Do what server 0.7 does not do in a long poll: acknowledge at once what it brings."""
    popped = await pop(settler, attrs.evolve(options, auto_ack=False))
    for ledger in {message.ledger for message in popped}:
        if ledger is not None:
            results = await ledger.settle(dict.fromkeys(ledger.transaction_ids, COMPLETED))
            refused = next((result for result in results.values() if not result["success"]), None)
            if refused is not None:
                raise ServerRefusedError(operation="ack_batch", status=200, words=str(refused["error"]))
    for message in popped:
        message["leaseId"] = ""
    return popped


# A consumer asks the same again and again: 12 us to write it, 1 to know it.
@functools.lru_cache(maxsize=256)
def _request(options: PopOptions, poll_millis: Optional[int]) -> Request[Optional[PopAnswer]]:
    wait = True if poll_millis is not None else None
    assert options.queue is not None
    if options.partition is None:
        return messages.pop_queue(
            queue=options.queue,
            batch=options.batch,
            partitions=options.partitions if options.partitions > 1 else None,
            consumer_group=options.group,
            auto_ack=options.auto_ack or None,
            wait=wait,
            timeout=poll_millis,
            subscription_mode=options.subscription_mode,
            subscription_from=options.subscription_from,
        )
    return messages.pop_partition(
        queue=options.queue,
        partition=options.partition,
        batch=options.batch,
        consumer_group=options.group,
        auto_ack=options.auto_ack or None,
        wait=wait,
        timeout=poll_millis,
        subscription_mode=options.subscription_mode,
        subscription_from=options.subscription_from,
    )


def _messages(settler: Settler, options: PopOptions, answer: Optional[PopAnswer]) -> List[Message]:
    if answer is None:
        return []
    error = answer.get("error")
    if error is not None and error not in _EMPTY:
        raise ServerRefusedError(operation="pop", status=200, words=a_text(error).strip())
    leased: Dict[str, List[PoppedMessage]] = {}
    partition_id, own = None, []
    for wire in answer.get("messages") or ():
        if options.queue is not None:
            wire.setdefault("queue", options.queue)
        # Server 0.7 says null in queue mode, 0.15 the name of queue mode.
        if wire.get("consumerGroup") is None:
            wire["consumerGroup"] = QUEUE_MODE
        if options.auto_ack:
            # Server 0.7 names the lease that it has just given back.
            wire["leaseId"] = ""
        if wire["partitionId"] != partition_id:
            partition_id = wire["partitionId"]
            own = leased.setdefault(partition_id, [])
        own.append(wire)
    popped: List[Message] = []
    for wires in leased.values():
        ledger = _ledger(settler, options, wires)
        popped += [Message(wire, ledger) for wire in wires]
    return popped


def _ledger(settler: Settler, options: PopOptions, wires: Sequence[PoppedMessage]) -> Ledger:
    identifiers = [wire["transactionId"] for wire in wires]
    # One message stands for its like: to look at each costs a tenth of what reading it does.
    partition_id, lease_id, group, _, _, _, _ = _needed(wires[0])
    if not lease_id and not options.auto_ack:
        raise ValueError("a message in it has no lease")
    validation.storable("an id in it", "".join([partition_id, lease_id, group, *identifiers]))
    lease = LeaseKey(
        partition_id=partition_id,
        lease_id=lease_id or None,
        group=options.group,
        affinity=options.affinity,
        queue=options.queue,
    )
    return Ledger(
        settler,
        lease,
        identifiers,
        leased_at=asyncio.get_running_loop().time(),
        acknowledged=options.auto_ack,
    )
