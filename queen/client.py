"""``Queen``: the entry points of the client, and the place where its parts are put together."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, List, Mapping, Optional, Sequence, Type, TypeVar, Union, overload

from queen_api import Request
from typing_extensions import Self

from queen import logs, validation
from queen.arguments import arguments
from queen.buffering.options import file_path
from queen.builders.queue import QueueBuilder, named_queue, typed_queue
from queen.builders.services import services_over
from queen.builders.stream import StreamBuilder
from queen.builders.transaction import TransactionBuilder
from queen.callbacks import check_callable
from queen.closing import Closing
from queen.config import client_config
from queen.consuming.handlers import TypedHandler
from queen.consuming.options import MisfitFate
from queen.engines import engines_for
from queen.errors import ClientClosedError
from queen.operations import administration, settle
from queen.operations.health import health_of_servers
from queen.operations.push_callbacks import PushCallbacks, PushErrorCallback
from queen.operations.settle import AnyMessage
from queen.operations.streams import StreamDefinition, WindowSource
from queen.settling.renewal import DEFAULT_SECONDS
from queen.streaming.consumer import StreamConsumer
from queen.transport.transport import Transport
from queen.types import (
    AckResponse,
    BufferStats,
    GroupResetResponse,
    PushResponse,
    RenewResponse,
    ServerHealth,
    TypedItems,
)

if TYPE_CHECKING:
    from queen_api.models import DeleteGroupAnswer

    from queen.admin.admin import Admin

M = TypeVar("M")
T = TypeVar("T")


class Queen:
    """A client of one Queen server, of several, or of a broker inside this process.

    Args:
        config: ``"http://localhost:6632"``; a list of such URLs; a mapping with the key ``urls`` and options; or
            ``"memory://name"`` or ``"sqlite:///file.db"`` for the embedded broker (extra ``broker``).
        options: options by keyword, as in ``queen.config.ClientConfig``: ``timeout_millis``, ``retry_attempts``,
            ``retry_delay_millis``, ``load_balancing_strategy``, ``affinity_hash_ring``, ``enable_failover``,
            ``health_retry_after_millis``, ``dialect``, ``bearer_token``, ``auth``, ``headers``, ``ca_file``,
            ``client_cert``, ``verify``, ``proxy``, ``trust_env``, ``engine``, ``max_connections``,
            ``connect_timeout_millis``, ``keep_alive_millis``, ``max_response_bytes``, ``hooks``.

    A client belongs to the event loop of its first call, and to its process: its connections, timers and locks are
    theirs. In any other loop, and in a child that was forked after that call, every call raises
    ``WrongEventLoopError``. A client of a server that was made before a fork, and not used yet, can be used in the
    parent and in the child; that of an embedded broker only where it was made.

    Raises:
        ConfigurationError: a key, a value or a URL is not accepted, or what it needs is not installed.

    Example::

        async with Queen("http://localhost:6632") as queen:
            await queen.queue("orders").push([{"data": {"id": 1}}])
    """

    def __init__(self, config: Union[str, Sequence[str], Mapping[str, object], None] = None, **options: object) -> None:
        logs.print_if_asked()
        given = arguments(config, options)
        # What is left of them would show in the locals of a traceback.
        del config, options
        checked = client_config(given)
        transport = Transport(checked, *engines_for(checked))
        self._transport = transport
        self._services = services_over(transport, checked.urls)
        self._admin: Optional[Admin] = None
        self._closing = Closing(self._services)
        logs.event(logging.DEBUG, "Queen.constructor", status="initialized", urls=len(checked.urls))

    @overload
    def queue(self, name: Optional[str] = None) -> QueueBuilder: ...

    @overload
    def queue(
        self, name: Optional[str] = None, *, model: Type[M], misfits: Optional[MisfitFate] = None
    ) -> QueueBuilder[List[PushResponse], M, TypedItems[M], TypedHandler[M]]: ...

    def queue(
        self, name: Optional[str] = None, *, model: Optional[Type[M]] = None, misfits: Optional[MisfitFate] = None
    ) -> Union[QueueBuilder, QueueBuilder[List[PushResponse], M, TypedItems[M], TypedHandler[M]]]:
        """A queue; without a name, all queues of a namespace or task.

        With a model, payloads are instances of it: pushes take them, and ``message.data`` of what is popped or consumed
        is one, while ``message["data"]`` stays JSON. ``docs/typed-payloads.md`` says more.

        Args:
            name: its name.
            model: a dataclass, an attrs class, a TypedDict or a msgspec Struct, all by msgspec (extra ``typed``), or a
                model or dataclass of pydantic 2, by pydantic.
            misfits: what becomes of a consumed message whose payload does not fit the model: a ``"dead_letter"`` at
                once, which holds where nothing is said, or an ``"error"``; ``QueueBuilder.consume`` says more.

        Raises:
            TypeError, ValueError: a name that no path can hold, or what is no model.
            ConfigurationError: what reads and writes the model is not installed.
        """
        self._check_open("queue")
        if model is not None:
            return typed_queue(self._services, name, model, misfits)
        if misfits is not None:
            raise TypeError("misfits needs a model: without one, every payload fits")
        return named_queue(self._services, name)

    def stream(self, name: str, namespace: str) -> StreamBuilder:
        """A windowed stream to define.

        Args:
            name: its name.
            namespace: shown in listings; it has no effect.

        Raises:
            TypeError, ValueError: a name that is not accepted.
        """
        self._check_open("stream")
        definition = StreamDefinition(
            name=validation.path_name("name", name), namespace=validation.text("namespace", namespace)
        )
        return StreamBuilder(self._transport, definition)

    def consumer(self, stream_name: str, consumer_group: str) -> StreamConsumer:
        """A consumer group of a windowed stream.

        Args:
            stream_name: the stream.
            consumer_group: the group; each goes through all windows.

        Raises:
            TypeError, ValueError: a name that is not accepted.
        """
        self._check_open("consumer")
        source = WindowSource(
            validation.path_name("stream_name", stream_name), validation.text("consumer_group", consumer_group)
        )
        return StreamConsumer(self._transport, self._services.consumers, self._services.turns, source)

    def transaction(self) -> TransactionBuilder:
        """Acks and pushes that happen together or not at all."""
        self._check_open("transaction")
        return TransactionBuilder(self._services.settler)

    @property
    def admin(self) -> Admin:
        """What operators ask: listings, messages, groups, metrics, maintenance.

        Example::

            overview = await queen.admin.get_overview()
        """
        if self._admin is None:
            # Imported here, since most programs do without it.
            from queen.admin.admin import Admin

            self._admin = Admin(self._transport, self._services.source.forget_group)
        return self._admin

    @overload
    async def ack(
        self, message: AnyMessage, status: object = None, context: Optional[Mapping[str, object]] = None
    ) -> AckResponse: ...

    @overload
    async def ack(
        self, message: Sequence[AnyMessage], status: object = None, context: Optional[Mapping[str, object]] = None
    ) -> List[AckResponse]: ...

    async def ack(
        self,
        message: Union[AnyMessage, Sequence[AnyMessage]],
        status: object = None,
        context: Optional[Mapping[str, object]] = None,
    ) -> Union[AckResponse, List[AckResponse]]:
        """Acknowledge a message, or several.

        Args:
            message: a popped message (or its dict), or a list of them.
            status: True: completed. False: failed; it comes again until the queue's retry limit. ``"failed"`` or
                ``"dlq"``: a dead letter at once. ``"retry"``: given back, nothing is counted. None: True for a single
                message; in a list, each message's own ``_status``, and messages without one are left alone.
            context: ``error``, the reason of a failure; ``group``, for dicts that do not tell theirs.

        Returns:
            ``success``, ``error``, ``transactionId``, ``dlq``, and ``pending`` where the ack waits for messages before
            it; a list of them for a list, in its order. A refusal by the server is a result, not an error.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: the transport failed.
        """
        self._transport.check_usable("ack")
        if isinstance(message, Mapping):
            status = True if status is None and message.get("_status") is None else status
            return (await settle.acknowledge(self._services.settler, [message], status, context))[0]
        return await settle.acknowledge(
            self._services.settler, settle.message_list("message", message), status, context
        )

    @overload
    async def renew(  # type: ignore[overload-overlap]  # a text is one lease, and not a sequence of them
        self, message_or_lease_id: Union[str, AnyMessage], seconds: int = DEFAULT_SECONDS
    ) -> RenewResponse: ...

    @overload
    async def renew(
        self, message_or_lease_id: Sequence[Union[str, AnyMessage]], seconds: int = DEFAULT_SECONDS
    ) -> List[RenewResponse]: ...

    async def renew(
        self,
        message_or_lease_id: Union[str, AnyMessage, Sequence[Union[str, AnyMessage]]],
        seconds: int = DEFAULT_SECONDS,
    ) -> Union[RenewResponse, List[RenewResponse]]:
        """Make leases last at least so long from now.

        Args:
            message_or_lease_id: a message or a lease id, or a list of them.
            seconds: how long; a renewal never shortens a lease.

        Returns:
            ``success``, ``leaseId``, ``error`` and ``expiresAt``; a list of them for a list, in its order.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: the transport failed.
        """
        self._transport.check_usable("renew")
        if isinstance(message_or_lease_id, (str, Mapping)):
            return (await settle.renew(self._transport, [message_or_lease_id], seconds))[0]
        return await settle.renew(self._transport, message_or_lease_id, seconds)

    async def delete_consumer_group(self, group: str, delete_metadata: bool = True) -> DeleteGroupAnswer:
        """Delete a consumer group: its cursors and leases on all queues.

        Args:
            group: the group.
            delete_metadata: also forget where it subscribed; otherwise it starts there again.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            QueenError: it was not deleted.
        """
        name = validation.path_name("group", group)
        return await self.admin.delete_consumer_group(name, delete_metadata)

    async def update_consumer_group_timestamp(self, group: str, timestamp: Union[str, datetime]) -> GroupResetResponse:
        """Let a consumer group start from a time, on all queues that it reads.

        Server 0.15 moves its cursors, and ends its leases with that: messages that are being processed come again if
        they are of that time or later. Server 0.7 moves no cursor, only the time at which a group that subscribed
        starts on partitions that it has not read yet.

        Args:
            group: the group.
            timestamp: an ISO 8601 time stamp, or an aware datetime.

        Returns:
            ``success``, ``consumerGroup``, ``timestamp`` and ``cursorsMoved``.

        Raises:
            TypeError, ValueError: no time.
            QueenError: the group was not moved, or not on all queues.
        """
        name = validation.path_name("group", group)
        moment = validation.instant("timestamp", timestamp)
        return await administration.reset_group(self._transport, name, moment)

    async def send(self, request: Request[T]) -> T:
        """Send one request of ``queen_api``, for the endpoints that the fluent layer does not cover.

        Example::

            from queen_api.api import dlq

            answer = await queen.send(dlq.list_dead_letters(queue="orders"))

        Raises:
            QueenError: there is no value; the class says why.
        """
        if not isinstance(request, Request):
            raise validation.wrong_type("request", request, "what a function of queen_api returns")
        return await self._transport.send(request)

    async def health(self, *, timeout_millis: int = 5000, clock: bool = False) -> List[ServerHealth]:
        """Tell how each server is: all are asked side by side, each for itself and once.

        Args:
            timeout_millis: how long an answer may take, in milliseconds; 5000 where nothing is said.
            clock: whether to ask for their time too (a question to the database, which needs the role ``read-only``
                where authentication is on).

        Returns:
            an entry for each server, in the order of the URLs: ``url``, ``reachable``, ``healthy``, ``server``,
            ``version``, ``dialect``, ``database``, ``maintenance``, ``pop_maintenance``, ``latency_millis``,
            ``clock_skew_millis``, ``in_rotation`` and ``error``. A server that is down is an entry, and no error.

        Raises:
            TypeError, ValueError: an argument that is not accepted.
            ClientClosedError, WrongEventLoopError: as every call.
        """
        millis = validation.integer("timeout_millis", timeout_millis, minimum=1)
        asks_clock = validation.boolean("clock", clock)
        return await health_of_servers(self._transport, seconds=millis / 1000, clock=asks_clock)

    async def flush_all_buffers(self) -> None:
        """Send what is buffered, of all queues, now.

        Raises:
            QueenBufferError: some of it could not be sent, and stays buffered; ``unsent`` has it.
        """
        await self._services.buffers.flush()

    async def recover_outbox(
        self, path: Union[str, os.PathLike[str]], on_error: Optional[PushErrorCallback] = None
    ) -> int:
        """Send what is in the file of durable buffers, now.

        A push into a durable buffer does that too, without being waited for; a program that pushes at once need not say
        this. What is left is sent in its order, before what is pushed meanwhile.

        Args:
            path: the file, as ``buffer({"durable": path})`` names it.
            on_error: called with the items that the server refuses for good, and the error; when it returns, they are
                deleted from the file. Without it they stay there, in front of all others of their partition.

        Returns:
            How many messages were left.

        Raises:
            OutboxError: the file cannot be used, or another client has it open.
            QueenBufferError: some of it could not be sent; it stays in the file, and goes on being sent.
        """
        name = file_path("path", path)
        if on_error is not None:
            check_callable("on_error", on_error, 2)
        return await self._services.buffers.recover(name, PushCallbacks(on_error=on_error))

    def get_buffer_stats(self) -> BufferStats:
        """What the client-side buffers hold, and what they have done.

        Returns:
            ``activeBuffers``, ``totalBufferedMessages``, ``oldestBufferAge`` (ms), ``flushesPerformed`` and
            ``flushesFailed``.
        """
        return self._services.buffers.stats()

    async def close(self) -> None:
        """End the consumers, wait for handlers that are under way, send what is buffered, close all connections.

        That takes at most ``timeout_millis`` for the handlers and the same again for the buffers, and as long as the
        disk takes to write what was pushed into durable ones. A second call does nothing; after one that was cancelled
        it tells what was left. In a child process it leaves everything to the parent.

        Raises:
            QueenBufferError: buffered messages could not be sent; ``unsent`` has every one of them. Those of a durable
                buffer are in it only if the server refuses them; the others stay in the file, and are logged.
            WrongEventLoopError: the client was used in another event loop; where that is closed, ``unsent`` has what
                was buffered, and nobody can send it any more.
        """
        await self._closing.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        error_type: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    def _check_open(self, method: str) -> None:
        if self._closing.closed:
            raise ClientClosedError(f"{method}(): the client is closed")
