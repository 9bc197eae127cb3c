"""A queue and what to do with it: ``queen.queue("orders").partition("user-7").push([...])``."""

from __future__ import annotations

import asyncio
import functools
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Iterable, List, Mapping, Optional, Type, Union

from typing_extensions import TypedDict, TypeVar

from queen import logs, validation
from queen.buffering.options import buffer_options
from queen.builders.consume import ConsumeBuilder
from queen.builders.dead_letters import DLQBuilder
from queen.builders.push import PushBuilder, Pusher
from queen.builders.services import Services
from queen.callbacks import check_callable
from queen.config import QueueOption, queue_options
from queen.consuming.ending import check_signal
from queen.consuming.handlers import Handler, TypedHandler
from queen.consuming.options import ConsumeOptions, MisfitFate
from queen.message import Message
from queen.operations import administration
from queen.operations.dead_letters import DeadLetterQuery
from queen.operations.pop import PopOptions
from queen.operations.push import DEFAULT_PARTITION, item_list, push_items
from queen.types import BufferedResponse, PushResponse, TypedItems

if TYPE_CHECKING:
    from queen_api.models import ConfigureAnswer, DeleteQueueAnswer

    from queen.operations.typed_payloads import TypedPayloads

# What a push results in, what the payload of a message is, what a push takes one or several of, what consumes.
R = TypeVar("R", default=List[PushResponse])
T = TypeVar("T", default=Any)
P = TypeVar("P", default=Mapping[str, object])
H = TypeVar("H", bound=Handler, default=Handler)

M = TypeVar("M")

_SUBSCRIPTION_MODES = ("all", "new", "new-only")
_MISFITS = ("dead_letter", "error")
_DEFAULT_RENEW_MILLIS = 60_000


class _Said(TypedDict, total=False):
    """What was said of the queue so far, and nothing else: so little is copied in 0.1 us, all of it in 3."""

    queue: str
    payloads: TypedPayloads[Any]
    misfits: MisfitFate
    namespace: str
    task: str
    options: Mapping[str, QueueOption]
    partition: str
    group: str
    batch: int
    partitions: int
    wait: bool
    timeout_millis: int
    auto_ack: bool
    subscription_mode: str
    subscription_from: str
    concurrency: int
    limit: int
    idle_millis: int
    each: bool
    renew_millis: Optional[int]


class QueueBuilder(Generic[R, T, P, H]):
    """Collects what is said of a queue.

    Each method returns a new builder and leaves this one as it was, so that a builder can be kept and used many times.
    """

    __slots__ = ("_pusher", "_said", "_services")

    def __init__(self, services: Services, said: _Said, pusher: Pusher[R]) -> None:
        self._services = services
        self._said = said
        self._pusher = pusher

    def namespace(self, name: str) -> QueueBuilder[R, T, P, H]:
        """The namespace: of the queue to create, or of the queues to consume."""
        return self._saying({**self._said, "namespace": validation.text("namespace", name)})

    def task(self, name: str) -> QueueBuilder[R, T, P, H]:
        """The task: of the queue to create, or of the queues to consume."""
        return self._saying({**self._said, "task": validation.text("task", name)})

    def config(self, options: Mapping[str, object]) -> QueueBuilder[R, T, P, H]:
        """Options of the queue to create; keys as in ``QUEUE_DEFAULTS``.

        Raises:
            TypeError, ValueError: an unknown key (the nearest known one is named), or a value that is not accepted.
        """
        return self._saying({**self._said, "options": {**self._said.get("options", {}), **queue_options(options)}})

    def partition(self, name: str) -> QueueBuilder[R, T, P, H]:
        """One partition; messages of a partition keep their order."""
        return self._saying({**self._said, "partition": validation.text("partition", name)})

    def group(self, name: str) -> QueueBuilder[R, T, P, H]:
        """The consumer group; groups read the same messages, each with a cursor of its own."""
        return self._saying({**self._said, "group": validation.text("group", name)})

    def batch(self, size: int) -> QueueBuilder[R, T, P, H]:
        """How many messages a pop takes at most; 1 where nothing is said."""
        return self._saying({**self._said, "batch": validation.integer("batch", size, minimum=1)})

    def partitions(self, count: int) -> QueueBuilder[R, T, P, H]:
        """From how many partitions one pop takes messages at most (server 0.15; 0.7 takes one)."""
        return self._saying({**self._said, "partitions": validation.integer("partitions", count, minimum=1)})

    def wait(self, enabled: bool = True) -> QueueBuilder[R, T, P, H]:
        """Whether a pop waits at the server for messages; consuming does unless told otherwise."""
        return self._saying({**self._said, "wait": validation.boolean("wait", enabled)})

    def timeout_millis(self, millis: int) -> QueueBuilder[R, T, P, H]:
        """For how long a pop waits; 30,000 ms where nothing is said."""
        return self._saying({**self._said, "timeout_millis": validation.integer("timeout_millis", millis, minimum=0)})

    def auto_ack(self, enabled: bool = True) -> QueueBuilder[R, T, P, H]:
        """Whether messages are acknowledged without being told to.

        A consumer acknowledges after the handler (the default). A pop acknowledges at the server, before anything is
        done with the messages (not the default): they never come again.
        """
        return self._saying({**self._said, "auto_ack": validation.boolean("auto_ack", enabled)})

    def subscription_mode(self, mode: str) -> QueueBuilder[R, T, P, H]:
        """Where a new group starts: ``all`` (the beginning, the default) or ``new`` (behind what is there)."""
        known = validation.choice("subscription_mode", mode, _SUBSCRIPTION_MODES)
        # Server 0.7 knows two words for one thing, 0.15 only this one.
        return self._saying({**self._said, "subscription_mode": "new" if known == "new-only" else known})

    def subscription_from(self, from_: Union[str, datetime]) -> QueueBuilder[R, T, P, H]:
        """From when a new group reads: ``"now"``, a time stamp, or an aware datetime."""
        start = "now" if from_ == "now" else validation.instant("subscription_from", from_)
        return self._saying({**self._said, "subscription_from": start})

    def concurrency(self, count: int) -> QueueBuilder[R, T, P, H]:
        """How many workers consume side by side; 1 where nothing is said."""
        return self._saying({**self._said, "concurrency": validation.integer("concurrency", count, minimum=1)})

    def limit(self, count: int) -> QueueBuilder[R, T, P, H]:
        """After how many messages each worker ends; a batch is never cut to it."""
        return self._saying({**self._said, "limit": validation.integer("limit", count, minimum=1)})

    def idle_millis(self, millis: int) -> QueueBuilder[R, T, P, H]:
        """After how long without messages each worker ends."""
        return self._saying({**self._said, "idle_millis": validation.integer("idle_millis", millis, minimum=1)})

    def each(self, enabled: bool = True) -> QueueBuilder[R, T, P, H]:
        """Whether a batch is handed to the handler one message at a time."""
        return self._saying({**self._said, "each": validation.boolean("each", enabled)})

    def renew_lease(
        self, enabled: bool = True, interval_millis: int = _DEFAULT_RENEW_MILLIS
    ) -> QueueBuilder[R, T, P, H]:
        """Whether leases are renewed while handlers work, and how often."""
        millis = validation.integer("interval_millis", interval_millis, minimum=1)
        return self._saying({**self._said, "renew_millis": millis if validation.boolean("enabled", enabled) else None})

    async def create(self) -> ConfigureAnswer:
        """Create the queue, or replace the configuration of one that exists; its messages stay.

        Raises:
            QueenError: it was not created.
        """
        said = self._said
        return await administration.create_queue(
            self._services.transport,
            self._name("create"),
            namespace=said.get("namespace"),
            task=said.get("task"),
            options=said.get("options", {}),
        )

    async def delete(self) -> DeleteQueueAnswer:
        """Delete the queue with its messages, dead letters and cursors; ``existed`` in the result tells.

        Raises:
            QueenError: it was not deleted.
        """
        return await administration.delete_queue(self._services.transport, self._name("delete"))

    def buffer(self, options: Optional[Mapping[str, object]] = None) -> QueueBuilder[BufferedResponse, T, P, H]:
        """Collect pushed messages in this client, and send them together.

        There is one buffer for each queue and partition, and messages keep their order. A push then results in
        ``buffered`` (True) and ``count`` at once; it waits only when the buffer is full. What a failed flush could not
        send stays in front and is sent again. ``close()`` sends the rest.

        With ``durable``, the messages are also in a file until a server has them, and what is left of it by a process
        that was killed is sent by the next that pushes there (or by ``Queen.recover_outbox``). A push then results when
        its messages are on the disk; one that raised was not accepted, and one that was cancelled while it was written
        may have been. Order holds within one file, which belongs to one client at a time. ``docs/outbox.md`` says more.

        Args:
            options: ``message_count`` (flushed when it holds so many; 100), ``time_millis`` (flushed when its oldest
                message has waited so long; 1000 ms), ``max_size`` (how many it holds in memory; four flushes) and
                ``durable`` (the path of a file, made where there is none; memory alone).

        Raises:
            TypeError, ValueError: an unknown key (the nearest known one is named), or a value that is not accepted.
        """
        pusher = functools.partial(self._services.add, buffer_options(options))
        return QueueBuilder(self._services, self._said, pusher)

    async def flush_buffer(self) -> None:
        """Send what is buffered of this queue (and partition, if one was said) now.

        Raises:
            QueenBufferError: some of it could not be sent, and stays buffered.
        """
        await self._services.buffers.flush(self._name("flush_buffer"), self._said.get("partition"))

    def push(self, payload: Union[P, Iterable[P]]) -> PushBuilder[R]:
        """Push messages when awaited.

        Args:
            payload: a list of dicts, or one: ``data`` (any JSON, required), ``transactionId`` (1 to 255 characters,
                unique in its partition; made up where there is none), ``traceId`` (a UUID). Of a queue with a model,
                ``data`` is an instance of it, and an instance may stand for the dict; one of a TypedDict may not. What
                callbacks and errors hand back is JSON again.

        Raises:
            TypeError, ValueError: an item that is not accepted, named by its position and key.
        """
        queue, partition, payloads = self._name("push"), self._said.get("partition"), self._said.get("payloads")
        if payloads is None:
            listed = item_list(payload)
            wire = push_items(queue, partition, listed)
        else:
            listed = payloads.item_list(payload)
            wire = payloads.push_items(queue, partition, listed)
        if self._services.transport.hooks is not None:
            # Imported here, since most clients have none.
            from queen.operations.hooked import mark_made_ids

            mark_made_ids(wire, listed)
        if logs.enabled(logging.DEBUG):
            shown = partition or DEFAULT_PARTITION
            logs.event(logging.DEBUG, "QueueBuilder.push", queue=queue, partition=shown, count=len(wire))
        return PushBuilder(self._pusher, wire)

    async def pop(self) -> List[Message[T]]:
        """Pop messages; ``[]`` where there are none.

        Of a queue with a model, ``message.data`` is an instance of it, made when it is asked for, or raises the
        ``PayloadError`` of this one message.

        Raises:
            QueenError: the pop failed.
        """
        said = self._said
        options = self._pop_options("pop", wait=bool(said.get("wait")), auto_ack=bool(said.get("auto_ack")))
        popped = await self._services.source.pop(options)
        payloads = said.get("payloads")
        return popped if payloads is None else payloads.messages(popped)

    def consume(self, handler: H, signal: Optional[asyncio.Event] = None) -> ConsumeBuilder:
        """Consume messages when awaited.

        Of a queue with a model, the handler sees only messages that fit it, and the others count towards ``limit`` too.
        With ``misfits="dead_letter"`` those become dead letters at once, with the validation's words as the reason, and
        what is behind them is handled. With ``"error"`` the ``on_error`` callback gets each with its ``PayloadError``,
        and settles it; without such a callback it is a counted failure, which comes again until the queue's retry
        limit, with all that is behind it in its partition. That holds with ``auto_ack(False)`` and ``on_success`` too,
        since no other code of yours sees them; they wait while messages before them are not settled.

        Args:
            handler: a function, sync or async. It takes one message; with ``batch(n)`` above 1 a list of messages,
                unless ``each()`` was said. When it raises, the message comes again until the queue's retry limit.
            signal: ends consuming when it is set: the message at hand is finished and settled, those that were not
                started are given back.
        """
        check_callable("handler", handler, 1)
        check_signal(signal)
        said = self._said
        options = ConsumeOptions(
            pop=self._pop_options("consume", wait=said.get("wait") is not False, auto_ack=False),
            concurrency=said.get("concurrency", 1),
            limit=said.get("limit"),
            idle_millis=said.get("idle_millis"),
            auto_ack=said.get("auto_ack") is not False,
            each=said.get("each", False),
            renew_millis=said.get("renew_millis"),
            payloads=said.get("payloads"),
            misfits=said.get("misfits", "dead_letter"),
        )
        return ConsumeBuilder(self._services, options, handler, signal)

    def dlq(self, consumer_group: Optional[str] = None) -> DLQBuilder:
        """The queue's dead letters, of all consumer groups or of one."""
        group = self._said.get("group") if consumer_group is None else validation.text("consumer_group", consumer_group)
        query = DeadLetterQuery(queue=self._name("dlq"), partition=self._said.get("partition"), group=group)
        return DLQBuilder(self._services.transport, query)

    def _name(self, action: str) -> str:
        queue = self._said.get("queue")
        if queue is None:
            raise ValueError(f"{action}() needs a queue; say queen.queue('name')")
        return queue

    def _pop_options(self, action: str, *, wait: bool, auto_ack: bool) -> PopOptions:
        said = self._said
        queue, partition, group = said.get("queue"), said.get("partition"), said.get("group")
        namespace, task = said.get("namespace"), said.get("task")
        mode, start = said.get("subscription_mode"), said.get("subscription_from")
        if partition is not None:
            validation.path_name("partition", partition)
            if partition == "null":
                raise ValueError("partition='null' cannot be popped by name: the servers read it as any partition")
        if group is None and (start or mode not in (None, "all")):
            raise ValueError(f"{action}() of no consumer group always starts at the beginning; say group('name') too")
        if queue is None and namespace is None and task is None:
            raise ValueError(f"{action}() needs a queue, a namespace or a task; say queen.queue('name')")
        if queue is None and partition is not None:
            raise ValueError(f"{action}() of the queues of a namespace or task cannot be of one partition")
        return PopOptions(
            queue=queue,
            namespace=namespace if queue is None else None,
            task=task if queue is None else None,
            partition=partition,
            group=group,
            batch=said.get("batch", 1),
            partitions=said.get("partitions", 1),
            wait=wait,
            timeout_millis=said.get("timeout_millis", 30_000),
            auto_ack=auto_ack,
            subscription_mode=mode,
            subscription_from=start,
        )

    def _saying(self, said: _Said) -> QueueBuilder[R, T, P, H]:
        return QueueBuilder(self._services, said, self._pusher)


def named_queue(services: Services, name: Optional[str]) -> QueueBuilder:
    """A builder for a queue, or with None for all queues of a namespace or task.

    Raises:
        TypeError, ValueError: a name that no path can hold.
    """
    return QueueBuilder(services, _named(name), services.push)


def typed_queue(
    services: Services, name: Optional[str], model: Type[M], misfits: Optional[MisfitFate]
) -> QueueBuilder[List[PushResponse], M, TypedItems[M], TypedHandler[M]]:
    """As ``named_queue``, for payloads that are instances of a model.

    Raises:
        TypeError, ValueError: an argument that is not accepted.
        ConfigurationError: what reads and writes the model is not installed.
    """
    # Imported here, since most programs do without it.
    from queen.operations.typed_payloads import typed_payloads

    said = _named(name)
    said["payloads"] = typed_payloads(model)
    if misfits is not None:
        validation.choice("misfits", misfits, _MISFITS)
        said["misfits"] = misfits
    return QueueBuilder(services, said, services.push)


def _named(name: Optional[str]) -> _Said:
    return {} if name is None else {"queue": validation.path_name("queue", name)}
