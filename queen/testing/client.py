"""The client of one test: made, and closed whatever the test left behind."""

from __future__ import annotations

import asyncio
from typing import List

from typing_extensions import Final

from queen.client import Queen
from queen.errors import WrongEventLoopError
from queen.testing.broker import QueenBroker

_CONSUMER: Final = (
    "a consumer of {} was still running when the test ended: end it by its signal, limit() or idle_millis(), "
    "or cancel its task, and await it"
)
_HANDLER: Final = "a handler was still running when the test ended, and was not waited for any longer"
_BUFFERED: Final = "messages were still buffered when the test ended ({}): await queen.flush_all_buffers() in the test"
_RETRY_DELAY_MILLIS: Final = 10
_CLOSING_SECONDS: Final = 1.0
# So often the loop goes round until tasks that were cancelled are gone.
_ROUNDS: Final = 10


def client_of(broker: QueenBroker) -> Queen:
    """A client that repeats failed requests after milliseconds, since nobody else uses its broker."""
    return Queen(broker.url, retry_delay_millis=_RETRY_DELAY_MILLIS)


async def close_in_its_loop(client: Queen, broker: QueenBroker) -> List[str]:
    """Close a client in the event loop of its test.

    Returns:
        What was left behind, in words for the author of the test.

    Raises:
        QueenBufferError: buffered messages could not be sent.
    """
    for _ in range(_ROUNDS):
        if not broker.polled_queues:
            break
        await asyncio.sleep(0)
    left = [_CONSUMER.format(queue) for queue in sorted(set(broker.polled_queues))]
    left += _buffered(client)
    broker.clear_faults()
    try:
        await asyncio.wait_for(client.close(), _CLOSING_SECONDS)
    except asyncio.TimeoutError:
        left.append(_HANDLER)
    return left


def close_after_its_loop(client: Queen) -> List[str]:
    """Close a client that was not used, or in event loops that the test ran itself.

    Returns:
        What was left behind, in words for the author of the test.
    """
    left = _buffered(client)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(client.close())
    except WrongEventLoopError:
        # Its loop is gone, with all that ran in it; the broker in this process has no connections to close.
        pass
    finally:
        loop.close()
    return left


def _buffered(client: Queen) -> List[str]:
    count = client.get_buffer_stats()["totalBufferedMessages"]
    return [_BUFFERED.format(count)] if count else []
