"""The embedded broker: Queen MQ inside this process, for the first steps, for tests and for development.

It behaves as server 0.15.1 does, on SQLite, for one process: a file belongs to the process that opened it. Production
is the Queen server on PostgreSQL, and moving there is a change of URL. ``Queen("memory://")`` and
``Queen("sqlite:///queue.db")`` open it, and ``python -m queen.broker`` serves it on a socket, where ``GET /docs`` shows
the API.

Where it differs from the server on purpose:

- After a ``failed`` in a batch ack, later acks of that partition in the same call are refused. The server lets a later
  ``completed`` move the cursor past the failed message, which is then lost; failing a whole batch counts one failure,
  where the server counts many and loses the first message.
- A batch ack of nothing is answered with an empty list; the server never answers it.
- Long polls are woken by what happens, and end at their deadline; the server looks from time to time.
- ``GET /api/v1/pop`` (namespace and task) is there, as on server 0.7; it answers in the words of 0.15, looks at all
  partitions, and says the queue of each message.
- ``GET /health`` tells what it is.
- There is no authentication, no encryption, no retention and no maintenance mode; counts in listings stay at zero.
"""

try:
    import starlette  # noqa: F401
except ImportError as error:
    raise ImportError('the embedded broker needs the extra "broker": pip install "queen-mq[broker]"') from error

from queen.broker.broker import Broker, open_broker
from queen.broker.clock import Clock, ManualClock

__all__ = ["Broker", "Clock", "ManualClock", "open_broker"]
