"""The shapes of what the calls return: plain dicts, the same for every server."""

from __future__ import annotations

from typing import Any, Dict, Generic, List, Optional, Union

from typing_extensions import Literal, NotRequired, TypedDict, TypeVar

T = TypeVar("T")


class TypedItem(TypedDict, Generic[T]):
    """One item of a push to a queue with a model, where more is said than its payload."""

    data: T
    transactionId: NotRequired[str]
    """1 to 255 characters, unique in its partition; made up where there is none."""
    traceId: NotRequired[str]
    """A UUID."""


# What a push to a queue with a model takes one or several of.
TypedItems = Union[T, TypedItem[T]]


class PushResponse(TypedDict):
    """What became of one pushed item."""

    status: str
    """``queued``, ``duplicate`` (the transaction id is taken; nothing was stored) or ``buffered`` (accepted into the
    server's file buffer, stored later)."""
    transaction_id: str
    """The id that was given, or the one that the client made."""
    message_id: NotRequired[str]
    """The id of the stored message; of the one that is there already for a duplicate."""
    partition_id: NotRequired[str]
    trace_id: NotRequired[Optional[str]]


class BufferedResponse(TypedDict):
    """A push that was taken into a client-side buffer."""

    buffered: bool
    count: int
    """How many messages were taken."""


class BufferStats(TypedDict):
    """What the client-side buffers hold, and what they have done."""

    activeBuffers: int
    """Buffers that hold messages."""
    totalBufferedMessages: int
    oldestBufferAge: int
    """How long the oldest buffered message has waited, in milliseconds."""
    flushesPerformed: int
    flushesFailed: int
    """Flushes that failed and were or will be repeated."""


class AckResponse(TypedDict):
    """What became of one ack."""

    success: bool
    error: Optional[str]
    """Why not: the server's own words, or the client's where it knew without asking."""
    transactionId: str
    dlq: bool
    """Whether this ack made a dead letter."""
    leaseReleased: NotRequired[Optional[bool]]
    pending: NotRequired[bool]
    """True while the ack waits for messages before it in its partition: servers keep one cursor, not a state for each
    message, so an ack sent earlier would settle those too."""
    uncertain: NotRequired[bool]
    """True when the first answer was lost, and the repeat was refused: the ack has most likely taken effect."""


class RenewResponse(TypedDict):
    """What became of one lease renewal."""

    success: bool
    leaseId: str
    error: Optional[str]
    expiresAt: NotRequired[Optional[str]]


class GroupResetResponse(TypedDict):
    """A consumer group that was told to read from a time on."""

    success: bool
    consumerGroup: str
    timestamp: str
    cursorsMoved: int
    """On how many partitions its cursor was moved; always 0 on server 0.7, which moves none."""


class WindowResponse(TypedDict):
    """What became of an ack or a renewal of a window."""

    success: bool
    error: Optional[str]
    uncertain: NotRequired[bool]
    """True when the first answer was lost, and the repeat found no lease: the ack has most likely taken effect."""


class ServerHealth(TypedDict):
    """How one server is."""

    url: str
    reachable: bool
    """Whether it answered as a Queen server does."""
    healthy: bool
    """Whether its database answers it too."""
    server: Optional[str]
    """What it calls itself."""
    version: Optional[str]
    """What it says its version is; ``1.0.0`` in every release, ``dialect`` tells more."""
    dialect: Optional[str]
    """``0.7`` or ``0.15``, its generation."""
    database: Optional[str]
    """``connected`` or ``disconnected``."""
    maintenance: Optional[bool]
    """Whether pushes go to its file buffer (server 0.15)."""
    pop_maintenance: Optional[bool]
    """Whether pops are held back (server 0.15)."""
    latency_millis: Optional[float]
    """How long its answer took, in milliseconds, with the connection if one had to be opened."""
    clock_skew_millis: Optional[int]
    """How far its clock is ahead of this machine's, in milliseconds, negative where it is behind: true to half of the
    latency, and on server 0.7 to half a second more. None where it was not asked or did not tell."""
    in_rotation: bool
    """Whether requests are sent to it; otherwise it has failed lately, and they go to others first."""
    error: Optional[str]
    """What is wrong; None for nothing."""


class ConsumerLag(TypedDict):
    """How far a consumer group is behind."""

    messages: int
    """How many messages it has not settled, in the partitions that it has begun to read."""
    seconds: int
    """The age of the oldest of them, in seconds; 0 where there is none."""
    partitions: int
    """In how many partitions they are."""
    partitions_not_begun: int
    """How many partitions with messages it has not begun to read: how many of those messages are for it, the servers do
    not tell. Server 0.15 counts what is stored every two minutes, so that a new partition may be missing so long."""


class ConsumerStatus(TypedDict):
    """How a consumer is, as JSON: times are ISO 8601 in UTC."""

    name: str
    """What it consumes."""
    running: bool
    started_at: str
    last_poll_at: Optional[str]
    """When a pop was last answered, with messages or without."""
    seconds_since_poll: float
    """How long ago that was, or the start where none was answered yet."""
    in_hand: int
    """How many messages handlers have right now."""
    handled: int
    """How many messages were handled without an error."""
    failed: int
    """How many messages failed in the handler."""
    last_error: Optional[str]
    """The latest failure of a handler, a pop or an ack, or what ended the consumer."""


class TraceResponse(TypedDict):
    """Whether a trace event was recorded."""

    success: bool
    error: Optional[str]
    traceId: NotRequired[str]


class TransactionResponse(TypedDict):
    """A committed transaction."""

    success: bool
    transactionId: str
    results: List[Dict[str, Any]]
    """One result for each operation, as the server gives them."""


class DeadLetter(TypedDict):
    """One message that a consumer group gave up on."""

    id: str
    transactionId: str
    partitionId: str
    queue: str
    partition: str
    consumerGroup: str
    errorMessage: Optional[str]
    retryCount: int
    data: Any
    createdAt: str
    dlqTimestamp: str
    """When it became a dead letter."""


class DLQResponse(TypedDict):
    """Dead letters, the latest failure first."""

    messages: List[DeadLetter]
    total: int
    """How many there are in all, whatever the limit."""
    limit: int
    offset: int


class RedriveReason(TypedDict):
    """Why a dead letter was not redriven, or why its message stayed."""

    transactionId: str
    partitionId: str
    consumerGroup: str
    outcome: Literal["failed", "kept"]
    reason: str


class RedriveResponse(TypedDict):
    """What became of the dead letters that a redrive found; the numbers count dead letters.

    Those that are ``pushed`` or ``already`` there are ``removed`` or ``kept``. What is left of ``found`` after them and
    after ``failed`` is what the limit left for another run.
    """

    found: int
    """How many there were at the start; several failures of one message in one group are one."""
    pushed: int
    """How many were pushed again."""
    already: int
    """How many had been pushed by an earlier run."""
    removed: int
    """Of how many the message was deleted, and the dead letter with it."""
    kept: int
    """Of how many the message, and with it the dead letter, is still there; another run knows them."""
    failed: int
    """How many could not be pushed; they are as they were."""
    reasons: List[RedriveReason]
    """Why, for each that was kept or failed."""


class PurgeResponse(TypedDict):
    """What became of the dead letters that a purge found; the numbers count dead letters."""

    found: int
    """How many there were; several failures of one message in one group are one."""
    removed: int
    """Of how many the message was deleted, and the dead letter with it."""
    kept: int
    """Of how many the message, and with it the dead letter, is still there."""
    reasons: List[RedriveReason]
    """Why, for each that was kept."""
