"""The embedded broker: Queen MQ inside this process, for the first steps, for tests and for development.

It behaves as a Queen server does, on SQLite, for all event loops and threads of one process: a file belongs to the
process that opened it. Production is the Queen server on PostgreSQL, and moving there is a change of URL.
``Queen("memory://")`` and ``Queen("sqlite:///queue.db")`` open it, and ``python -m queen.broker`` serves it on a
socket, where ``GET /docs`` shows the API.

Which server it is, is its dialect: ``open_broker(url, dialect="0.7")``, ``python -m queen.broker --dialect 0.7``.

``embedded`` is the default: server 0.15.1 without its traps, and with the routes that only 0.7 has.

- After a ``failed`` in a batch ack, later acks of that partition in the same call are refused. The server lets a
  later ``completed`` move the cursor past the failed message, which is then lost; failing a whole batch counts one
  failure, where the server counts many and loses the first message.
- ``GET /api/v1/pop`` (namespace and task) is there, as on server 0.7; it answers in the words of 0.15, looks at all
  partitions, and says the queue of each message. Windowed streams are there in the words of 0.7.
- Counts in listings are those of now, once they were made: for a new partition, a second after it was made or with
  ``POST /api/v1/stats/refresh``, and until then they are zero. The server counts every two minutes.
- ``GET /health`` tells what it is.

``0.15`` is server 0.15.1, its traps and its 404s included: for tests of what meets the real one. Counts in listings may
be two minutes old, as there. What push maintenance held back is stored as soon as it is switched off, whatever
``maxSize`` says, and every pop sees it.

``0.7`` is server 0.7.4: status 200 for everything, its answers, its rules for acks, retries, subscriptions and
transactions. It differs from that server where a rule is a defect:

- What its database refuses is ``buffered`` and then forgotten, where the server tries it again for ever.
- A poll that has run out takes no messages, waits of any length are answered, and a new wait is not slowed down by
  the one before.
- A colon in the name of a queue is like any other character. A pop in a transaction that finds its partition locked
  says so at once, where the server waits ten seconds.
- A stream whose windows have no length is refused, where the server crashes at the next poll; of several polls that
  wait for a window, those that do not get it go on waiting.

In all dialects:

- A batch ack of nothing is answered; server 0.15 never does.
- Long polls are woken by what happens, and end at their deadline; the servers look from time to time.
- There is no authentication but the one token that ``python -m queen.broker`` can ask for (``QUEEN_BROKER_TOKEN``,
  ``--token-file``), no encryption and no retention: who pushed a message, and whether it is encrypted, is not kept
  where the push of a cycle says so.
- Counts in the dialects of 0.15 are made from what is stored, and not carried on from those before as that server does:
  what was deleted is not counted, and what a seek or an ack jumped over is completed. ``oldestMessage`` and
  ``newestMessage`` are the times of messages that are there.
- What was consumed over time is known by the minute, since the broker was opened. Requests, latencies, and what the
  process uses are not measured: the status shows zero or null for them, and no workers. The series of
  ``GET /api/v1/status/analytics`` has no more than 100,000 points.
- Push maintenance holds messages back in the database, in place of a file; what cannot be stored is forgotten when it
  is switched off.
- A pop in maintenance is answered 204 without a body; server 0.15 sends 29 bytes behind it, which clients read as the
  beginning of the next answer.
- ``/api/v1/analytics`` has empty series, and no statistics of PostgreSQL. ``/metrics/prometheus`` has the families
  whose numbers are known here.
- ``GET /docs`` and ``GET /openapi.json`` show the API.

A file may be opened in another dialect than the one that wrote it: messages, cursors and leases are the same.
"""

try:
    import starlette  # noqa: F401
except ImportError as error:
    raise ImportError('the embedded broker needs the extra "broker": pip install "queen-mq[broker]"') from error

from queen.broker.broker import Broker, open_broker
from queen.broker.clock import Clock, ManualClock

__all__ = ["Broker", "Clock", "ManualClock", "open_broker"]
