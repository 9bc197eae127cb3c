"""What an endpoint is, and how it works on the store."""

from __future__ import annotations

from typing import Awaitable, Callable, List, Tuple

import attrs

from queen.broker.clock import Clock
from queen.broker.http import Answer, Call
from queen.broker.polls import Polls
from queen.broker.store.database import Store


@attrs.frozen
class Backend:
    """What the endpoints share.

    Attributes:
        store: the database.
        polls: the long polls that wait.
        clock: the time.
        opened_at: when the broker was opened, in microseconds since 1970.
    """

    store: Store
    polls: Polls
    clock: Clock
    opened_at: int


Endpoint = Callable[[Backend, Call], Awaitable[Answer]]

# A method, a path with its parameters in braces, and what answers.
RouteTable = List[Tuple[str, str, Endpoint]]
