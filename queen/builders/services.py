"""What the builders of one client hand their wishes to."""

from __future__ import annotations

import attrs

from queen.buffering.buffers import Buffers
from queen.consuming.running import RunningConsumers
from queen.operations.source import Source
from queen.settling.settler import Settler
from queen.streaming.turns import Turns
from queen.transport.transport import Transport


@attrs.frozen
class Services:
    """The parts of one client.

    Attributes:
        transport: sends requests.
        settler: settles messages.
        source: pops messages.
        buffers: collect messages.
        consumers: run consumers, so that closing the client can end them.
        turns: let one poll for windows of a stream wait at a time.
    """

    transport: Transport
    settler: Settler
    source: Source
    buffers: Buffers
    consumers: RunningConsumers
    turns: Turns
