"""What the builders of one client hand their wishes to."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Callable, Coroutine, List, Sequence

import attrs

from queen.buffering.buffers import Buffers
from queen.buffering.options import BufferOptions
from queen.builders.push import Pusher
from queen.consuming.running import RunningConsumers
from queen.operations.push import IdentifiedItem
from queen.operations.push_callbacks import PushCallbacks, push_and_tell
from queen.operations.source import Source
from queen.settling.settler import Settler
from queen.streaming.turns import Turns
from queen.transport.transport import Transport
from queen.types import BufferedResponse, PushResponse

if TYPE_CHECKING:
    from queen.hooks.calls import HookCalls


@attrs.frozen
class Services:
    """The parts of one client.

    Attributes:
        transport: sends requests.
        push: pushes at once, without a buffer.
        settler: settles messages.
        source: pops messages.
        buffers: collect messages.
        consumers: run consumers, so that closing the client can end them.
        turns: let one poll for windows of a stream wait at a time.
        add: takes a push into a buffer.
    """

    transport: Transport
    push: Pusher[List[PushResponse]]
    settler: Settler
    source: Source
    buffers: Buffers
    consumers: RunningConsumers
    turns: Turns
    add: Callable[[BufferOptions, Sequence[IdentifiedItem], PushCallbacks], Coroutine[Any, Any, BufferedResponse]]


def services_over(transport: Transport, urls: Sequence[str]) -> Services:
    """The parts of a client.

    Args:
        transport: sends their requests.
        urls: its servers.
    """
    if transport.hooks is not None:
        return _services_in_hooks(transport, transport.hooks, urls)
    settler, buffers = Settler(transport), Buffers(transport)
    return Services(
        transport=transport,
        push=functools.partial(push_and_tell, transport),
        settler=settler,
        source=Source(settler),
        buffers=buffers,
        consumers=RunningConsumers(),
        turns=Turns(urls),
        add=buffers.add,
    )


def _services_in_hooks(transport: Transport, hooks: HookCalls, urls: Sequence[str]) -> Services:
    # Imported here, since most clients have none.
    from queen.buffering.hooked import add_in_hooks, depth_of
    from queen.hooks.events import ClientOpened
    from queen.operations.hooked import push_in_hooks
    from queen.operations.hooked_source import HookedSource
    from queen.settling.hooked import HookedSettler

    settler, buffers = HookedSettler(transport, hooks), Buffers(transport)
    hooks.opened(ClientOpened(servers=hooks.servers, buffered=depth_of(buffers)))
    return Services(
        transport=transport,
        push=functools.partial(push_and_tell, transport, send=functools.partial(push_in_hooks, hooks)),
        settler=settler,
        source=HookedSource(settler, hooks),
        buffers=buffers,
        consumers=RunningConsumers(),
        turns=Turns(urls),
        add=functools.partial(add_in_hooks, buffers, hooks),
    )
