"""What the builders of one client hand their wishes to."""

from __future__ import annotations

import functools
from typing import List, Sequence

import attrs

from queen.buffering.buffers import Buffers
from queen.builders.push import Pusher
from queen.consuming.running import RunningConsumers
from queen.operations.push_callbacks import push_and_tell
from queen.operations.source import Source
from queen.settling.settler import Settler
from queen.streaming.turns import Turns
from queen.transport.transport import Transport
from queen.types import PushResponse


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
    """

    transport: Transport
    push: Pusher[List[PushResponse]]
    settler: Settler
    source: Source
    buffers: Buffers
    consumers: RunningConsumers
    turns: Turns


def services_over(transport: Transport, urls: Sequence[str]) -> Services:
    """The parts of a client.

    Args:
        transport: sends their requests.
        urls: its servers.
    """
    settler = Settler(transport)
    return Services(
        transport=transport,
        push=functools.partial(push_and_tell, transport),
        settler=settler,
        source=Source(settler),
        buffers=Buffers(transport),
        consumers=RunningConsumers(),
        turns=Turns(urls),
    )
