"""What is told to hooks. What is not known when a thing begins is filled in before its context manager is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Mapping, Optional, Sequence, Tuple

import attrs

from queen.identifiers import MadeId
from queen.types import AckResponse, PushResponse

if TYPE_CHECKING:
    from queen_api.models import PoppedMessage, PushItem


@attrs.define(eq=False, kw_only=True)
class Event:
    """What takes time.

    Attributes:
        servers: the URLs of the client's servers.
        seconds: how long it took; None while it goes on.
        error: what it raised; None for nothing, and while it goes on.
    """

    servers: Tuple[str, ...]
    seconds: Optional[float] = None
    error: Optional[BaseException] = None


@attrs.define(eq=False, kw_only=True)
class Push(Event):
    """One push of a user: into a client-side buffer, or to a server.

    Attributes:
        queue: the queue.
        partition: the partition; None where none was said.
        items: what is pushed, as it goes over the wire: ``queue``, ``partition``, ``transactionId``, ``traceId`` and
            ``payload``. When it begins, a hook may change them: give a ``traceId`` (a UUID) to those that have none,
            another ``transactionId`` to those whose id the client made (``made_id``), and put another JSON ``payload``
            in place of what is there, which is the user's own object and is not to be changed itself. Any other change
            is logged and taken back.
        buffered: whether it goes into a client-side buffer, whose ``Flush`` sends it later.
        results: a result for each item; None while it goes on, where it failed, and for a buffered push.
    """

    queue: str
    partition: Optional[str]
    items: Sequence[PushItem]
    buffered: bool
    results: Optional[Sequence[PushResponse]] = None

    @staticmethod
    def made_id(item: PushItem) -> bool:
        """Whether the client made the id of an item, so that a hook may change it: nobody knows it yet."""
        return type(item.get("transactionId")) is MadeId


@attrs.define(eq=False, kw_only=True)
class Flush(Event):
    """One request that sends what is buffered.

    Attributes:
        queue: the queue.
        partition: the partition.
        items: what is sent, as ``Push`` has it. It was written when it was pushed; changes have no effect.
        attempt: 1, or more where the same batch is sent again after a failure.
        results: a result for each item; None while it goes on, and where it failed.
    """

    queue: str
    partition: str
    items: Sequence[PushItem]
    attempt: int
    results: Optional[Sequence[PushResponse]] = None


@attrs.define(eq=False, kw_only=True)
class Pop(Event):
    """One pop, of a user or of a consumer; a long poll that finds nothing is one too, with no messages.

    Attributes:
        queue: the queue; None for all queues of the namespace and task.
        namespace: the namespace of the queues.
        task: the task of the queues.
        partition: one partition; None for any.
        group: the consumer group; None for queue mode.
        batch: how many messages at most.
        wait: whether it waits for messages.
        messages: what was found, each a ``queen.Message``. A hook may change their ``data``.
    """

    queue: Optional[str]
    namespace: Optional[str]
    task: Optional[str]
    partition: Optional[str]
    group: Optional[str]
    batch: int
    wait: bool
    messages: Sequence[PoppedMessage] = ()


@attrs.define(eq=False, kw_only=True)
class Process(Event):
    """One call of a consumer's handler; ``error`` is what the handler raised.

    Attributes:
        queue: the queue.
        group: the consumer group; None for queue mode.
        messages: what the handler gets, each a ``queen.Message``.
        batch: whether the handler gets a list.
    """

    queue: str
    group: Optional[str]
    messages: Sequence[PoppedMessage]
    batch: bool


@attrs.define(eq=False, kw_only=True)
class Settlement(Event):
    """Messages of one partition that the server is told the end of.

    An ack that waits for messages before it is told when it is sent, with them. On server 0.7 one settlement may be
    several requests.

    Attributes:
        queue: the queue, where it is known.
        partition_id: the server's id of the partition.
        group: the consumer group; None for queue mode.
        transaction_ids: the messages.
        status: ``completed``; ``failed``, a nack that counts; ``dlq``, a dead letter at once; ``retry``, given back
            with all behind it.
        reason: of a nack.
        results: a result for each message: ``success``, ``error``, and ``dlq`` where it became a dead letter. None
            while it goes on, and where the request failed.
    """

    queue: Optional[str]
    partition_id: str
    group: Optional[str]
    transaction_ids: Sequence[str]
    status: str
    reason: Optional[str]
    results: Optional[Sequence[AckResponse]] = None


@attrs.frozen(kw_only=True)
class CommittedAck:
    """One ack of a transaction.

    Attributes:
        transaction_id: the message.
        queue: its queue, where it is known.
        status: ``completed`` or ``dlq``.
    """

    transaction_id: str
    queue: Optional[str]
    status: str


@attrs.define(eq=False, kw_only=True)
class Commit(Event):
    """One transaction, or one more attempt at a transaction whose answer was lost.

    Attributes:
        items: what it pushes; a hook may change it as in ``Push``.
        acks: what it acknowledges.
        in_doubt: whether an earlier attempt may have taken effect.
    """

    items: Sequence[PushItem]
    acks: Sequence[CommittedAck]
    in_doubt: bool

    @staticmethod
    def made_id(item: PushItem) -> bool:
        """Whether the client made the id of an item, and no earlier attempt has sent it."""
        return Push.made_id(item)


@attrs.frozen(kw_only=True)
class Retry:
    """A request that is sent once more.

    Attributes:
        operation: what is sent: ``push``, ``pop_queue``, ``ack``, ...
        server: the URL of the server that it goes to now.
        failed_server: the URL of the server where it failed; another one after a failover.
        attempt: which attempt this is; 2 is the first repeat.
        reason: why the attempt before failed.
    """

    operation: str
    server: str
    failed_server: str
    attempt: int
    reason: str


@attrs.frozen(kw_only=True)
class LeaseLost:
    """A lease that could not be renewed while a handler works.

    Attributes:
        queue: the queue.
        group: the consumer group; None for queue mode.
        lease_id: the lease.
        messages: what was not settled of it, each a ``queen.Message``.
        reason: why, in the server's words or the client's.
    """

    queue: str
    group: Optional[str]
    lease_id: str
    messages: Sequence[PoppedMessage]
    reason: str


@attrs.frozen(kw_only=True, eq=False)
class ClientOpened:
    """A client that was made.

    Attributes:
        servers: the URLs of its servers.
        buffered: how many messages are in its client-side buffers, by queue. It may be called at any time and in any
            thread; it does not keep the client alive, and returns None when that is gone.
    """

    servers: Tuple[str, ...]
    buffered: Callable[[], Optional[Mapping[str, int]]]
