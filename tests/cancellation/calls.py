"""Every public call that talks to a server, on builders that were made before, so that only the call itself is met."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Dict

from queen_api.api import system

from queen import Message, Queen
from queen.admin.admin import Admin

Call = Callable[[], Awaitable[Any]]


def handler(message: Message) -> None:
    """A handler that does nothing."""


def calls(queen: Queen, message: Message, name: str = "q") -> Dict[str, Call]:
    """The calls of a client, by name.

    Args:
        queen: the client; it must be open.
        message: one that it popped.
        name: the queue, which has the namespace of the same name.
    """
    queue, consumer = queen.queue(name), queen.consumer("s", "g")
    stream = queen.stream("s", "n").sources([name])
    buffered, everything = queue.buffer({"message_count": 1}), queen.queue().namespace(name)
    plain, admin = dict(message), queen.admin
    pushing = queen.transaction().queue(name).push([{"data": 1}])
    acking = queen.transaction().ack(message)
    return {
        "push": lambda: queue.push([{"data": 1}]),
        "push of nothing": lambda: buffered.push([]),
        "buffered push": lambda: buffered.push([{"data": 1}]),
        "flush": queen.flush_all_buffers,
        "flush of a queue": queue.flush_buffer,
        "pop": queue.pop,
        "long poll": queue.wait().timeout_millis(1).pop,
        "pop of a namespace": everything.pop,
        "pop of a new group": queue.group("new").subscription_mode("new").pop,
        "consume": lambda: queue.limit(1).consume(handler),
        "ack": lambda: queen.ack(plain),
        "ack of a list": lambda: queen.ack([plain], True),
        "ack of nothing": lambda: queen.ack([], True),
        "ack of a message": message.ack,
        "nack of a message": message.nack,
        "renew": lambda: queen.renew("lease"),
        "renew of nothing": lambda: queen.renew([]),
        "renew of a message": message.renew,
        "commit of a push": pushing.commit,
        "commit of an ack": acking.commit,
        "dead letters": queue.dlq().get,
        "redrive": queue.dlq().redrive,
        "purge": queue.dlq().purge,
        "create": queue.create,
        "delete": queen.queue("other").delete,
        "define a stream": stream.define,
        "process a stream": lambda: consumer.process(lambda _: None),
        "seek a stream": lambda: consumer.seek("2026-01-31T10:20:30Z"),
        "delete a group": lambda: queen.delete_consumer_group("other"),
        "move a group": lambda: queen.update_consumer_group_timestamp("other", "2026-01-31T10:20:30Z"),
        "send": lambda: queen.send(system.health()),
        **_administration(admin),
    }


def _administration(admin: Admin) -> Dict[str, Call]:
    return {
        "overview": admin.get_overview,
        "listing": admin.list_queues,
        "messages": lambda: admin.list_messages(queue="q"),
        "groups": admin.list_consumer_groups,
        "metrics": admin.metrics,
    }
