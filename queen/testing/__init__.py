"""For tests of code that uses Queen: an embedded broker that a test looks into, and steers.

With pytest the fixtures ``queen``, ``queen_url`` and ``queen_broker`` are there when this package is installed. Without
it, or with another runner, ``QueenBroker`` is used by itself::

    from queen import Queen
    from queen.testing import QueenBroker

    with QueenBroker() as broker:
        async with Queen(broker.url) as queen:
            await place_order(queen, {"item": "teapot"})
        broker.assert_pushed("orders", {"item": "teapot"})
"""

from queen.testing.broker import QueenBroker
from queen.testing.faults import FaultyOperation
from queen.testing.records import DeadLetteredMessage, PushedMessage

__all__ = ["DeadLetteredMessage", "FaultyOperation", "PushedMessage", "QueenBroker"]
