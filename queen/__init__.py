"""The client for Queen MQ, the message queue on PostgreSQL.

Example::

    from queen import Queen

    async with Queen("http://localhost:6632") as queen:
        await queen.queue("orders").partition("user-7").push([{"data": {"id": 1}}])
"""

from typing import TYPE_CHECKING

from queen.buffering.options import BUFFER_DEFAULTS
from queen.client import Queen
from queen.config import CLIENT_DEFAULTS, QUEUE_DEFAULTS
from queen.consuming.handle import ConsumerHandle
from queen.consuming.options import CONSUME_DEFAULTS
from queen.errors import (
    AuthenticationError,
    BufferClosedError,
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    HttpStatusError,
    LeaseLostError,
    OutboxError,
    OutcomeUnknownError,
    PayloadError,
    PermissionDeniedError,
    ProtocolError,
    PushRejectedError,
    QueenBufferError,
    QueenError,
    QueenTimeoutError,
    ServerRefusedError,
    TokenUnavailableError,
    TransactionError,
    UnsupportedByServerError,
    WrongEventLoopError,
)
from queen.message import Message
from queen.operations.pop import POP_DEFAULTS
from queen.streaming.window import Window
from queen.types import (
    AckResponse,
    BufferedResponse,
    BufferStats,
    ConsumerLag,
    ConsumerStatus,
    DeadLetter,
    DLQResponse,
    GroupResetResponse,
    PurgeResponse,
    PushResponse,
    RedriveReason,
    RedriveResponse,
    RenewResponse,
    ServerHealth,
    TraceResponse,
    TransactionResponse,
    TypedItem,
    WindowResponse,
)

if TYPE_CHECKING:
    from queen.hooks.protocol import Hooks


def __getattr__(name: str) -> object:
    if name == "Hooks":
        # Imported when it is asked for, since most programs do without it.
        from queen.hooks.protocol import Hooks

        return Hooks
    if name == "__version__":
        # Looked up when it is asked for: reading the metadata takes longer than importing this package.
        from importlib.metadata import version

        return version("queen-mq")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "BUFFER_DEFAULTS",
    "CLIENT_DEFAULTS",
    "CONSUME_DEFAULTS",
    "POP_DEFAULTS",
    "QUEUE_DEFAULTS",
    "AckResponse",
    "AuthenticationError",
    "BufferClosedError",
    "BufferStats",
    "BufferedResponse",
    "ClientClosedError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConsumerHandle",
    "ConsumerLag",
    "ConsumerStatus",
    "DLQResponse",
    "DeadLetter",
    "GroupResetResponse",
    "Hooks",
    "HttpStatusError",
    "LeaseLostError",
    "Message",
    "OutboxError",
    "OutcomeUnknownError",
    "PayloadError",
    "PermissionDeniedError",
    "ProtocolError",
    "PurgeResponse",
    "PushRejectedError",
    "PushResponse",
    "Queen",
    "QueenBufferError",
    "QueenError",
    "QueenTimeoutError",
    "RedriveReason",
    "RedriveResponse",
    "RenewResponse",
    "ServerHealth",
    "ServerRefusedError",
    "TokenUnavailableError",
    "TraceResponse",
    "TransactionError",
    "TransactionResponse",
    "TypedItem",
    "UnsupportedByServerError",
    "Window",
    "WindowResponse",
    "WrongEventLoopError",
]
