"""Buffers of clients that have hooks."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Callable, Coroutine, Dict, List, Optional, Sequence, cast

from queen.buffering.buffer import Place
from queen.buffering.buffers import Buffers
from queen.buffering.options import BufferOptions
from queen.hooks.calls import HookCalls
from queen.hooks.events import Flush
from queen.operations.hooked import changing, push_event
from queen.operations.push import IdentifiedItem
from queen.operations.push_callbacks import PushCallbacks
from queen.types import BufferedResponse, PushResponse

if TYPE_CHECKING:
    from queen_api.models import PushItem


async def add_in_hooks(
    buffers: Buffers,
    hooks: HookCalls,
    options: BufferOptions,
    items: Sequence[IdentifiedItem],
    callbacks: PushCallbacks,
) -> BufferedResponse:
    """As ``Buffers.add``, told to hooks, which may change the items."""
    if not items:
        return await buffers.add(options, items, callbacks)
    with changing(hooks.pushing(push_event(hooks, items, buffered=True)), items):
        return await buffers.add(options, items, callbacks)


async def flush_in_hooks(
    hooks: HookCalls,
    place: Place,
    attempt: int,
    items: Sequence[IdentifiedItem],
    pushing: Coroutine[object, object, List[PushResponse]],
) -> List[PushResponse]:
    """A flush, told to hooks.

    Args:
        hooks: the hooks.
        place: the buffer.
        attempt: how often this batch was sent, this time included.
        items: the batch.
        pushing: sends it.
    """
    queue, partition, _ = place
    told = cast("List[PushItem]", items)
    flush = Flush(servers=hooks.servers, queue=queue, partition=partition, items=told, attempt=attempt)
    with hooks.flushing(flush):
        results = await pushing
        flush.results = results
    return results


def depth_of(buffers: Buffers) -> Callable[[], Optional[Dict[str, int]]]:
    """A function that tells how many messages are buffered, by queue; None when the buffers are gone."""
    reference = weakref.ref(buffers)

    def depth() -> Optional[Dict[str, int]]:
        found = reference()
        return None if found is None else found.depth()

    return depth
